"""A decoder that exposes its recurrent layer, so that whole blocks can be run at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Hidden = Tensor | tuple[Tensor, Tensor]  # an LSTM has a pair: hidden and cell


class RecurrentDecoder(nn.Module):
    """Decoder of an embedding, a recurrent layer and a readout; `train_bptt` runs it by blocks.

    Subclass it for another `embed` or `readout`. Both must treat each time step alone, since they
    run on a whole block at once. Any other module needs only `forward`, and is run step by step.

    Parameters
    ----------
    rnn : nn.RNN, nn.GRU or nn.LSTM with one direction and time first.

    Examples
    --------
    >>> decoder = RecurrentDecoder(nn.GRU(5, 3))
    >>> output, hidden = decoder(torch.zeros(1, 4, 3), torch.zeros(4, 2), torch.zeros(1, 4, 3))
    >>> output.shape
    torch.Size([1, 4, 3])
    """

    def __init__(self, rnn: nn.RNNBase) -> None:
        super().__init__()
        self.rnn = rnn

    def embed(self, visible: Tensor, context: Tensor) -> Tensor:
        """Join (time, batch, features) and (time, batch, context features) as input."""
        return torch.cat([visible, context], dim=-1)

    def readout(self, outputs: Tensor) -> Tensor:
        """Turn the layer's outputs (..., hidden units) into the decoder's (..., features)."""
        return outputs

    def forward(self, visible: Tensor, context: Tensor, hidden: Hidden) -> tuple[Tensor, Hidden]:
        """Run one step or several.

        `visible` is (time, batch, features). `context` is (time, batch, context features) or, for
        one step, (batch, context features). `hidden` is (layers, batch, hidden units); for an LSTM,
        a pair of these.
        """
        if context.ndim == visible.ndim - 1 or context.ndim == 2:
            context = context.unsqueeze(0)
        outputs, hidden = self.rnn(self.embed(visible, context), hidden)
        return self.readout(outputs), hidden
