"""The pair family contract: a checkpoint of a network over frame and text, its parts for the export, and the network whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels
from framedex.embed.manifest import ImageRules
from framedex.pair.manifest import FrameScore
from framedex.pair.manifest import PairFamily as FamilyName

if TYPE_CHECKING:
    from torch import nn

    from framedex_export.tokenizer import Candidate, ReferenceTokenizer


class PairFamily(Protocol):
    """A checkpoint of one family of pair networks."""

    @property
    def name(self) -> FamilyName:
        """The family's name."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Of the file of weights; of names and digests of several."""
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
    def score(self) -> FrameScore:
        """What makes one number of the network's output, where the user says nothing else."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what `frame_part` gives."""
        ...

    @property
    def words(self) -> tuple[str, ...]:
        """Names of what `text_part` gives; none without one."""
        ...

    def tokenizers(self) -> Iterable[Candidate]:
        """What may serve as the artefact's tokenizer.json, the best first."""
        ...

    def frame_part(self) -> nn.Module:
        """For the export: uint8 (n, H, W, 3) of `image.size` in, all that does not depend on a text out."""
        ...

    def text_part(self) -> nn.Module | None:
        """For the export: int64 (m, max_length) ids in, all that does not depend on a frame out; None if that is the ids."""
        ...

    def pair_part(self) -> nn.Module:
        """For the export: one frame's features and k texts' words in, float32 logits out: (k, h, w) maps or (k,)."""
        ...

    def process(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """The reference's preprocessing of n pictures of any size, uint8 (h, w, 3), as its model takes them."""
        ...

    def levels(self, processed: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        """The same before rescaling and normalisation, laid out as a TowerBatch: grey levels, (n, H, W, 3)."""
        ...

    def outputs(self, pixels: Pixels, texts: Sequence[str]) -> NDArray[np.float32]:
        """The reference, run whole for every pair: uint8 (n, H, W, 3) of `image.size` and m texts to logits (m, n, …)."""
        ...
