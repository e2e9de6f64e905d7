"""What the families have in common whose reference is transformers: processor, model and tokenizer of one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from framedex.contracts import Pixels, Vectors
from framedex.embed.manifest import Family as FamilyName
from framedex.embed.manifest import ImageRules
from framedex_export.checkpoint import Checkpoint
from framedex_export.tokenizer import ReferenceTokenizer

_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HuggingFaceFamily:
    """The reference side of a family in transformers.

    Attributes:
        name: of the family.
        checkpoint: as it was read.
        dim: dimensions of the vectors.
        image: the checkpoint's preprocessing.
        text: the checkpoint's tokenizer.
    """

    name: FamilyName
    checkpoint: Checkpoint
    dim: int
    image: ImageRules
    text: ReferenceTokenizer

    @property
    def weights_sha256(self) -> str:
        """Of the safetensors."""
        return self.checkpoint.weights_sha256

    @property
    def logit_scale(self) -> float:
        """Already exponentiated."""
        return float(self.checkpoint.model.logit_scale.exp().item())

    @property
    def logit_bias(self) -> float | None:
        """SigLIP's; CLIP has none."""
        bias = getattr(self.checkpoint.model, "logit_bias", None)
        return None if bias is None else float(bias.item())

    @property
    def any_length(self) -> bool:
        """No: SigLIP pools the last position, padding or not."""
        return False

    def process(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """Through the checkpoint's processor on Pillow."""
        return process(self.checkpoint, pictures)

    def levels(self, processed: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Normalised pixels back at 0 to 255."""
        return levels(processed, self.image)

    def image_vectors(self, processed: Mapping[str, NDArray[Any]]) -> Vectors:
        """Through the model's own features."""
        n = len(processed["pixel_values"])
        rows = []
        with torch.inference_mode():
            for start in range(0, n, _BATCH):
                chunk = {name: torch.from_numpy(value[start : start + _BATCH]) for name, value in processed.items()}
                rows.append(self.checkpoint.model.get_image_features(**chunk).pooler_output)
        return torch.cat(rows).numpy()

    def text_vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Through the model's own features, without an attention mask."""
        with torch.inference_mode():
            chunks = torch.split(torch.tensor(ids), _BATCH)
            rows = [self.checkpoint.model.get_text_features(input_ids=chunk).pooler_output for chunk in chunks]
        return torch.cat(rows).numpy()


def process(checkpoint: Checkpoint, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
    """n pictures through a checkpoint's processor on Pillow."""
    shown = [Image.fromarray(picture) for picture in pictures]
    return dict(checkpoint.processor(images=shown, return_tensors="np"))


def levels(processed: Mapping[str, NDArray[Any]], image: ImageRules) -> NDArray[np.float64]:
    """Normalised pixels (n, 3, H, W) back at 0 to 255, (n, H, W, 3)."""
    mean, std = np.array(image.mean), np.array(image.std)
    values = processed["pixel_values"].astype(np.float64).transpose(0, 2, 3, 1)
    grey: NDArray[np.float64] = (values * std + mean) / image.rescale
    return grey
