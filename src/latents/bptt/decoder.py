"""A decoder that shows its recurrent layer, so that whole blocks can be run at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Hidden = Tensor | tuple[Tensor, Tensor]  # an LSTM has a pair: hidden and cell


class RecurrentDecoder(nn.Module):
    """What is before the recurrent layer, the layer, and what is after it: `train_bptt` takes its fast paths on it.

    Subclass it for another `embed` or `readout`; they treat every element alone, so that they may run on a whole
    block at once. A module of another kind needs `forward` alone, and is run step by step.

    Parameters
    ----------
    rnn : nn.RNN, nn.GRU or nn.LSTM, of one direction and with time first.

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
        """Input of the recurrent layer: both side by side; (time, batch, features), (time, batch, context features)."""
        return torch.cat([visible, context], dim=-1)

    def readout(self, outputs: Tensor) -> Tensor:
        """Output of the decoder from that of the recurrent layer, (..., hidden units) -> (..., features)."""
        return outputs

    def forward(self, visible: Tensor, context: Tensor, hidden: Hidden) -> tuple[Tensor, Hidden]:
        """One step, or several: visible (time, batch, features), context (time, batch, context features) or, for one
        step, (batch, context features); hidden (layers, batch, hidden units) or an LSTM's pair of them."""
        if context.ndim == visible.ndim - 1 or context.ndim == 2:
            context = context.unsqueeze(0)
        outputs, hidden = self.rnn(self.embed(visible, context), hidden)
        return self.readout(outputs), hidden
