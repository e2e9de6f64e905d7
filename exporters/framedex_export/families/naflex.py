"""SigLIP2 NaFlex: a picture nearly in its own shape, as up to N patches on a sheet (docs/decisions/0021)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Siglip2ImageProcessorPil, Siglip2Model

from framedex.embed.manifest import ImageRules
from framedex.errors import ArtefactError
from framedex_export.checkpoint import Checkpoint, Kind
from framedex_export.families.siglip2 import Siglip2
from framedex_export.image_rules import read_rules
from framedex_export.towers import affine, unit

KIND = Kind(
    model_type="siglip2",
    model=Siglip2Model,
    processor=Siglip2ImageProcessorPil,
    processor_types=("Siglip2ImageProcessor", "Siglip2ImageProcessorFast", "Siglip2ImageProcessorPil"),
    tokenizer_files=("tokenizer.json",),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NaFlex(Siglip2):
    """A SigLIP2 checkpoint without a fixed size."""

    def image_tower(self) -> nn.Module:
        """The vision model with its pooling head, taking sheets."""
        return SheetTower(self.checkpoint.model, self.image)

    def levels(self, processed: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """The processor's patches and grids as sheets."""
        patch, n = self.image.patch, len(processed["pixel_values"])
        assert patch is not None, "the rules were checked"
        mean, std = np.array(self.image.mean), np.array(self.image.std)
        values = processed["pixel_values"].astype(np.float64).reshape(n, -1, patch, patch, 3)
        levels = (values * std + mean) / self.image.rescale
        levels[processed["pixel_attention_mask"] == 0] = 0
        header = np.zeros((n, 1, patch, patch, 3))
        shapes = processed["spatial_shapes"]
        header[:, 0, 0, :2, 0], header[:, 0, 0, :2, 1] = shapes // 256, shapes % 256
        return np.concatenate([levels, header], axis=1).reshape(n, *self.image.size, 3)


class SheetTower(nn.Module):
    """uint8 (n, (N + 1) * P, P, 3) sheets in, float32 (n, d) unit rows out; each sheet says its own grid.

    Args:
        model: Siglip2Model in evaluation mode, float32.
        rules: the artefact's.
    """

    scale: Tensor
    shift: Tensor
    order: Tensor
    centres: Tensor

    def __init__(self, model: Siglip2Model, rules: ImageRules) -> None:
        super().__init__()
        assert rules.patch is not None, "the rules were checked"
        assert rules.max_patches is not None, "the rules were checked"
        self.vision = model.vision_model
        self.max_patches = rules.max_patches
        self.values = 3 * rules.patch**2
        self.side = int(model.vision_model.embeddings.position_embedding_size)
        scale, shift = affine(rules)
        self.register_buffer("scale", scale.repeat(rules.patch**2))
        self.register_buffer("shift", shift.repeat(rules.patch**2))
        self.register_buffer("order", torch.arange(rules.max_patches, dtype=torch.float32))
        self.register_buffer("centres", torch.arange(self.side, dtype=torch.float32) + 0.5)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of sheets."""
        sheets = pixels.reshape(pixels.shape[0], self.max_patches + 1, self.values)
        header = sheets[:, -1, :6].float()
        rows = (header[:, 0] * 256 + header[:, 1]).clamp(min=1)[:, None]
        columns = (header[:, 3] * 256 + header[:, 4]).clamp(min=1)[:, None]
        used = self.order < rows * columns
        patches = sheets[:, :-1].float() * self.scale + self.shift
        hidden = self.vision.embeddings.patch_embedding(patches) + self._positions(rows, columns)
        unused = torch.zeros_like(hidden[:, :, 0]).masked_fill(~used, torch.finfo(torch.float32).min)
        hidden = self.vision.encoder(inputs_embeds=hidden, attention_mask=unused[:, None, None]).last_hidden_state
        return unit(self._pooled(self.vision.post_layernorm(hidden), ~used))

    def _positions(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Position embeddings of each patch, (n, N, d): the learned grid resized to each sheet's, antialiased."""
        # Half a patch keeps the quotient off whole numbers, whatever the division's last bit.
        at_row = torch.floor((self.order + 0.5) / columns)
        at_column = self.order - at_row * columns
        down = self._weights(torch.minimum(at_row, rows - 1), rows)
        across = self._weights(at_column, columns)
        both = (down[..., :, None] * across[..., None, :]).flatten(2)
        resized: Tensor = both @ self.vision.embeddings.position_embedding.weight
        return resized

    def _weights(self, at: Tensor, size: Tensor) -> Tensor:
        """Of each learned line for each patch along one axis, (n, N, side): a triangle as wide as the shrinking asks for.

        Source: `torch.nn.functional.interpolate(mode="bilinear", antialias=True)`, which is Pillow's filter.
        """
        step = self.side / size
        middle = ((at + 0.5) * step)[..., None]
        reach = step.clamp(min=1)[..., None]
        weights = (1 - (self.centres - middle).abs() / reach).clamp(min=0)
        return weights / weights.sum(dim=-1, keepdim=True)

    def _pooled(self, hidden: Tensor, unused: Tensor) -> Tensor:
        """The head's vector of each sheet: a learned query over its used patches."""
        head = self.vision.head
        probe = head.probe.expand(hidden.shape[0], -1, -1)
        pooled = head.attention(probe, hidden, hidden, key_padding_mask=unused, need_weights=False)[0]
        vector: Tensor = (pooled + head.mlp(head.layernorm(pooled)))[:, 0]
        return vector


def sheet_rules(checkpoint: Checkpoint) -> ImageRules:
    """The rules of a NaFlex processor.

    Raises:
        ArtefactError: its patches are not the model's, or it does something else.
    """
    processor, patch = checkpoint.processor, checkpoint.model.config.vision_config.patch_size
    if processor.patch_size != patch:
        raise ArtefactError(
            f"{checkpoint.folder}: the processor's patches are of {processor.patch_size} pixels and the model's of {patch}"
        )
    return read_rules(
        checkpoint,
        {},
        size=((processor.max_num_patches + 1) * patch, patch),
        resize="naflex",
        patch=patch,
        max_patches=processor.max_num_patches,
    )


def mend_reference(model: Siglip2Model) -> None:
    """Make a loaded model right for pictures of one column of patches, which torch's antialiased resize is not on the CPU.

    It repeats the first line for every other (torch 2.13); rows first, then columns, comes out right. Only pictures
    about N times as tall as wide are of one column, none of any video that we know; the graph has it right in any case.
    """
    embeddings = model.vision_model.embeddings
    resized = embeddings.resize_positional_embeddings

    def mended(grid: Tensor, spatial_shapes: Tensor, max_length: int) -> Tensor:
        result: Tensor = resized(grid, spatial_shapes, max_length)
        for row, (height, width) in enumerate(spatial_shapes.tolist()):
            if width == 1:
                tall = _antialiased(grid.permute(2, 0, 1)[None], (height, grid.shape[1]))
                result[row, :height] = _antialiased(tall, (height, 1))[0, :, :, 0].T
        return result

    embeddings.resize_positional_embeddings = mended


def _antialiased(grid: Tensor, size: tuple[int, int]) -> Tensor:
    return nn.functional.interpolate(grid, size=size, mode="bilinear", align_corners=False, antialias=True)
