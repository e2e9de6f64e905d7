"""What the pair families have in common whose reference is transformers: processor, model and tokenizer of one folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from framedex.contracts import Pixels
from framedex.embed.manifest import ImageRules
from framedex_export.checkpoint import Checkpoint
from framedex_export.families import hugging_face
from framedex_export.tokenizer import Candidate, ReferenceTokenizer, loaded_candidates
from framedex_export.towers import normalised


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HuggingFacePair(ABC):
    """The reference side of a pair family in transformers.

    Attributes:
        checkpoint: as it was read.
        image: the checkpoint's preprocessing.
        text: the checkpoint's tokenizer.
    """

    #: What the tokenizer does to a text, in words.
    NOTE: ClassVar[str]

    checkpoint: Checkpoint
    image: ImageRules
    text: ReferenceTokenizer

    @property
    def weights_sha256(self) -> str:
        """Of the safetensors."""
        return self.checkpoint.weights_sha256

    def tokenizers(self) -> Iterable[Candidate]:
        """The checkpoint's own tokenizer.json, then its tokenizer written anew."""
        return loaded_candidates(self.text, note=self.NOTE)

    def process(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """Through the checkpoint's processor on Pillow."""
        return hugging_face.process(self.checkpoint, pictures)

    def levels(self, processed: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Normalised pixels back at 0 to 255."""
        return hugging_face.levels(processed, self.image)

    def outputs(self, pixels: Pixels, texts: Sequence[str]) -> NDArray[np.float32]:
        """Every text with all pictures at once, through the whole model; a text has its own length, without padding."""
        values = normalised(pixels, self.image)
        rows = []
        with torch.inference_mode():
            for text in texts:
                ids = self.text.tokenizer(text, truncation=True, max_length=self.text.max_length)["input_ids"]
                rows.append(self._logits(values, torch.tensor(ids).expand(len(pixels), -1)))
        return torch.stack(rows).numpy()

    @abstractmethod
    def _logits(self, values: Tensor, ids: Tensor) -> Tensor:
        """The model's own forward pass over n pictures and as many texts."""
