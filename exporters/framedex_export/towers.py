"""What the towers of all families share: normalisation at the beginning, unit length at the end."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from framedex.contracts import Pixels
from framedex.embed.manifest import ImageRules


class Normalise(nn.Module):
    """uint8 (n, H, W, 3) RGB in, float32 (n, 3, H, W) out, rescaled and normalised.

    Args:
        rules: the artefact's, whose rescale, mean and std go into the graph.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, rules: ImageRules) -> None:
        super().__init__()
        scale, shift = affine(rules)
        self.register_buffer("scale", scale.view(1, 3, 1, 1))
        self.register_buffer("shift", shift.view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalise a batch."""
        return pixels.permute(0, 3, 1, 2).float() * self.scale + self.shift


def affine(rules: ImageRules) -> tuple[Tensor, Tensor]:
    """(x * rescale - mean) / std as one factor and one summand per channel, each rounded to float32 once."""
    mean = torch.tensor(rules.mean, dtype=torch.float64)
    std = torch.tensor(rules.std, dtype=torch.float64)
    return (rules.rescale / std).float(), (-mean / std).float()


def normalised(pixels: Pixels, rules: ImageRules) -> Tensor:
    """What `Normalise` does, as reference processors do it: step by step in NumPy."""
    values = (pixels.astype(np.float64) * rules.rescale - np.array(rules.mean)) / np.array(rules.std)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2), dtype=np.float32))


def unit(vectors: Tensor) -> Tensor:
    """Rows at length 1."""
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / norms
