"""CRIS as it was made: a network over picture and sentence that gives a map of logits, 104 x 104.

What its authors never published is weights, and a rule that makes one score of a map: the rules are framedex's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from framedex.contracts import Pixels
from framedex.embed.manifest import ImageRules
from framedex.errors import ArtefactError
from framedex.pair.manifest import FrameScore
from framedex_export.families.clip import causal_mask
from framedex_export.families.cris import WORDS, Cris, read_all
from framedex_export.families.cris_layout import require_tensors
from framedex_export.families.cris_network import DualEncoder, pooled_grid
from framedex_export.families.cris_pair_network import PairNetwork, PairShape
from framedex_export.tokenizer import Candidate, ReferenceTokenizer
from framedex_export.towers import Normalise, normalised

#: Of the published configurations: where they cut a probability to a mask.
THRESHOLD = 0.35

_SCORE = FrameScore(rule="max", threshold=THRESHOLD)
_BLOCKED = torch.finfo(torch.float32).min


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrisMask:
    """A CRIS checkpoint with its network over pairs.

    Attributes:
        name: of the family.
        encoder: the same checkpoint's dual encoder, tokenizer and preprocessing.
        pair: neck, decoder and projector, float32, in evaluation mode.
        score: the rule.
        features: names of the neck's maps of the picture alone, from the largest.
        words: names of what the text transformer gives.
    """

    name: Literal["cris-mask"] = "cris-mask"
    encoder: Cris
    pair: PairNetwork
    score: FrameScore = _SCORE
    features: tuple[str, ...] = ("large", "middle", "small")
    words: tuple[str, ...] = ("words", "state", "padding")

    @property
    def weights_sha256(self) -> str:
        """Of the file."""
        return self.encoder.weights_sha256

    @property
    def image(self) -> ImageRules:
        """CRIS's preprocessing."""
        return self.encoder.image

    @property
    def text(self) -> ReferenceTokenizer:
        """CLIP's tokenizer, cut to the words that CRIS reads and padded with 0."""
        return self.encoder.text

    def tokenizers(self) -> Iterable[Candidate]:
        """As for the dual encoder."""
        return self.encoder.tokenizers()

    def frame_part(self) -> nn.Module:
        """The ResNet, its attention pool, and what of the neck sees the picture alone."""
        return FramePart(self.encoder.network, self.pair, self.image)

    def text_part(self) -> nn.Module:
        """The text transformer."""
        return TextPart(self.encoder.network, self.text.max_length)

    def pair_part(self) -> nn.Module:
        """The rest of the neck, the decoder and the projector."""
        return PairPart(self.pair)

    def process(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """As CRIS's own data loader does it."""
        return self.encoder.process(pictures)

    def levels(self, processed: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Its pixels."""
        return self.encoder.levels(processed)

    def outputs(self, pixels: Pixels, texts: Sequence[str]) -> NDArray[np.float32]:
        """Every text with all pictures at once, from pixels to logits."""
        network, mask = self.encoder.network, causal_mask(self.text.max_length)
        values = normalised(pixels, self.image)
        maps = []
        with torch.inference_mode():
            for row in torch.tensor(self.text.ids(texts)):
                ids = row.expand(len(pixels), -1)
                second, third, last = network.visual.stages(values)
                pool = network.visual.attnpool
                pooled = _as_map(pool(last, pool.positions(*last.shape[2:])), last)
                words = network.words(ids, mask)
                visual = self.pair.neck.visual((second, third, pooled))
                maps.append(self.pair(visual, words, network.state(words, ids), _padding(ids)))
        return torch.stack(maps).numpy()


class FramePart(nn.Module):
    """uint8 (n, H, W, 3) RGB in, three float32 maps out; rescaling and normalisation are inside."""

    positions: Tensor

    def __init__(self, network: DualEncoder, pair: PairNetwork, rules: ImageRules) -> None:
        super().__init__()
        self.normalise = Normalise(rules)
        self.visual = network.visual
        self.neck = pair.neck
        grid = (pooled_grid(rules.size[0]), pooled_grid(rules.size[1]))
        # One constant of the graph: runtimes differ in how they resize.
        self.register_buffer("positions", network.visual.attnpool.positions(*grid).detach())

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What of a batch of pictures no sentence changes."""
        second, third, last = self.visual.stages(self.normalise(pixels))
        return self.neck.visual((second, third, _as_map(self.visual.attnpool(last, self.positions), last)))


class TextPart(nn.Module):
    """int64 (m, length) ids in; out the words (m, length, width), the sentence's vector (m, dim), and the padding (m, length)."""

    mask: Tensor

    def __init__(self, network: DualEncoder, max_length: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mask", causal_mask(max_length))

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What of a batch of texts no picture changes."""
        words = self.network.words(ids, self.mask)
        return words, self.network.state(words, ids), _padding(ids)


class PairPart(nn.Module):
    """The maps of one picture and k sentences in, logits (k, h, w) out."""

    def __init__(self, pair: PairNetwork) -> None:
        super().__init__()
        self.pair = pair

    def forward(
        self, large: Tensor, middle: Tensor, small: Tensor, words: Tensor, state: Tensor, padding: Tensor
    ) -> Tensor:
        """One picture against k sentences."""
        logits: Tensor = self.pair((large, middle, small), words, state, padding)
        return logits


def read(checkpoint: Path, *, words: int = WORDS) -> CrisMask:
    """Read a CRIS checkpoint and the CLIP tokenizer beside it.

    Args:
        checkpoint: the file that CRIS's training wrote, or a folder with one such file.
        words: ids per text, the beginning and end of text among them, as in the checkpoint's configuration.

    Raises:
        UsageError: no such file, or `words` out of range.
        ArtefactError: keys are missing or unknown, tensors do not fit each other, or there is no tokenizer.
    """
    encoder, state = read_all(checkpoint, words=words)
    path, network = encoder.path, encoder.network
    try:
        shape = PairShape.of(state)
    except KeyError as error:
        raise ArtefactError(f"{path}: its keys are not CRIS's: missing {error.args[0]}") from error
    except ValueError as error:
        raise ArtefactError(f"{path}: {error}") from error
    settings = {"dim": encoder.dim, "side": 2 * pooled_grid(encoder.image.size[0]), "words": words}
    with torch.device("meta"):
        plan = PairNetwork(shape, **settings)
    require_tensors(path, state, plan.state_dict())
    _require_fit(path, network, shape, encoder.dim)
    pair = PairNetwork(shape, **settings).float()
    pair.load_state_dict(
        {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    )
    return CrisMask(encoder=encoder, pair=pair.eval())


def _require_fit(path: Path, network: DualEncoder, shape: PairShape, dim: int) -> None:
    """The neck takes what the ResNet gives, and the decoder's pixels are as wide as the words that they look at."""
    state = network.state_dict()
    given = (len(state["visual.layer2.0.bn3.bias"]), len(state["visual.layer3.0.bn3.bias"]), dim)
    width = len(state["ln_final.weight"])
    if shape.taken != given or shape.width != width:
        raise ArtefactError(
            f"{path}: expected a neck for maps of {list(given)} channels and a decoder as wide as the text, {width}, got "
            f"{list(shape.taken)} and {shape.width}"
        )


def _as_map(rows: Tensor, like: Tensor) -> Tensor:
    """(n, h * w, dim) to (n, dim, h, w) of another map's height and width."""
    return rows.transpose(1, 2).reshape(like.shape[0], -1, *like.shape[2:])


def _padding(ids: Tensor) -> Tensor:
    """What is added to attention's scores: 0 at words, the lowest number at padding, which CRIS knows by its id 0."""
    return (ids == 0).float() * _BLOCKED
