"""The family contract: a checkpoint that was read, its towers for the export, and the reference to compare them with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels, Vectors
from framedex.embed.manifest import Family as FamilyName
from framedex.embed.manifest import ImageRules

if TYPE_CHECKING:
    from torch import nn

    from framedex_export.tokenizer import Candidate, ReferenceTokenizer


class Family(Protocol):
    """A checkpoint of one family."""

    @property
    def name(self) -> FamilyName:
        """The family's name."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Of the file of weights; of names and digests of several."""
        ...

    @property
    def dim(self) -> int:
        """Dimensions of the vectors that both towers give."""
        ...

    @property
    def image(self) -> ImageRules:
        """The preprocessing that the checkpoint asks for."""
        ...

    @property
    def text(self) -> ReferenceTokenizer:
        """The tokenizer that the checkpoint is used with."""
        ...

    @property
    def logit_scale(self) -> float:
        """Already exponentiated."""
        ...

    @property
    def logit_bias(self) -> float | None:
        """None for a family without one."""
        ...

    def tokenizers(self) -> Iterable[Candidate]:
        """What may serve as the artefact's tokenizer.json, the best first."""
        ...

    def image_tower(self) -> nn.Module:
        """For the export: uint8 (n, H, W, 3) of `image.size` in, float32 (n, dim) unit rows out."""
        ...

    def text_tower(self) -> nn.Module:
        """For the export: int64 (m, max_length) ids in, float32 (m, dim) unit rows out."""
        ...

    @property
    def any_length(self) -> bool:
        """Whether the text tower may be given ids that are cut behind the end of the longest text, with the same result."""
        ...

    def process(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """The reference's preprocessing of n pictures of any size, uint8 (h, w, 3), as its model takes them."""
        ...

    def levels(self, processed: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """The same before rescaling and normalisation, laid out as a TowerBatch: grey levels, (n, H, W, 3)."""
        ...

    def image_vectors(self, processed: dict[str, NDArray[Any]]) -> Vectors:
        """The reference's vectors of what it has preprocessed: float32 (n, dim), of any length."""
        ...

    def text_vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """The reference's vectors of texts: float32 (m, dim), of any length."""
        ...
