"""SigLIP's two towers as the artefact's graphs have them: raw inputs in, unit vectors out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import SiglipModel

from framedex.embed.manifest import ImageRules


class ImageTower(nn.Module):
    """uint8 (n, H, W, 3) RGB in, float32 (n, d) unit rows out; rescaling and normalisation are inside.

    Args:
        model: in evaluation mode, float32.
        rules: the artefact's, whose rescale, mean and std go into the graph.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, model: SiglipModel, rules: ImageRules) -> None:
        super().__init__()
        self.vision = model.vision_model
        mean = torch.tensor(rules.mean, dtype=torch.float64)
        std = torch.tensor(rules.std, dtype=torch.float64)
        # (x * rescale - mean) / std as one multiplication and one addition, rounded to float32 once.
        self.register_buffer("scale", (rules.rescale / std).float().view(1, 3, 1, 1))
        self.register_buffer("shift", (-mean / std).float().view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of pictures."""
        values = pixels.permute(0, 3, 1, 2).float() * self.scale + self.shift
        return _unit(self.vision(pixel_values=values).pooler_output)


class TextTower(nn.Module):
    """int64 (m, max_length) ids in, float32 (m, d) unit rows out.

    No attention mask: SigLIP attends to its padding and pools the last position.

    Args:
        model: in evaluation mode, float32.
    """

    def __init__(self, model: SiglipModel) -> None:
        super().__init__()
        self.text = model.text_model

    def forward(self, ids: Tensor) -> Tensor:
        """Embed a batch of texts."""
        return _unit(self.text(input_ids=ids).pooler_output)


def _unit(vectors: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors / norms
