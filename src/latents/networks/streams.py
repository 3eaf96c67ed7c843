"""Independent random streams."""

from __future__ import annotations

import numpy as np
import torch


def spawn(seed: int, count: int, device: str = "cpu") -> list[torch.Generator]:
    """Independent generators on a device, all from one seed."""
    # 32 bits: torch's CPU generator uses no more of a seed
    words = [child.generate_state(1)[0] for child in np.random.SeedSequence(seed).spawn(count)]
    return [torch.Generator(device).manual_seed(int(word)) for word in words]
