"""CRIS as a dual encoder: the mean of its attention-pooled map against the sentence's vector. The vector is ours, not CRIS's.

CRIS was trained to segment, by a network over picture and sentence together, of which this is the part before they meet. No
weights were published, and no published rule makes a vector of a frame.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import CLIPTokenizer

from framedex.contracts import Pixels, Vectors
from framedex.embed.manifest import ImageRules
from framedex.errors import ArtefactError, UsageError, first_line
from framedex.keys import sha256_file
from framedex_export.checkpoint import require_vocabulary
from framedex_export.families.clip import NOTE, causal_mask
from framedex_export.families.cris_layout import (
    BACKBONE,
    PAIR,
    count_of,
    load_state,
    pair_keys,
    require_keys,
    require_tensors,
)
from framedex_export.families.cris_network import DualEncoder, Shape, pooled_grid
from framedex_export.families.cris_reference import warped
from framedex_export.tokenizer import Candidate, ReferenceTokenizer, loaded_candidates
from framedex_export.towers import Normalise, unit

#: Of every published configuration.
SIDE = 416
#: Words of RefCOCO's and RefCOCO+'s configurations; RefCOCOg's have 22. The beginning and end of text are among them.
WORDS = 17

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_BATCH = 8
_MERGES = "bpe_simple_vocab_16e6.txt.gz"
_N_MERGES = 49152 - 256 - 2
_TOKENIZER_FILES = ("tokenizer.json", "vocab.json + merges.txt", _MERGES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cris:
    """A CRIS checkpoint.

    Attributes:
        name: of the family.
        path: of the file.
        network: the dual encoder, float32, in evaluation mode.
        dim: dimensions of the vectors.
        image: CRIS's preprocessing.
        text: CLIP's tokenizer, cut to the words that CRIS reads and padded with 0.
        weights_sha256: of the file.
    """

    name: Literal["cris"] = "cris"
    path: Path
    network: DualEncoder
    dim: int
    image: ImageRules
    text: ReferenceTokenizer
    weights_sha256: str

    @property
    def logit_scale(self) -> float:
        """CLIP's own, which CRIS's training does not use."""
        return float(self.network.logit_scale.exp().item())

    @property
    def logit_bias(self) -> float | None:
        """None: CLIP has none."""
        return None

    def tokenizers(self) -> Iterable[Candidate]:
        """A tokenizer.json beside the checkpoint, then the loaded tokenizer written anew."""
        return loaded_candidates(self.text, note=NOTE)

    def image_tower(self) -> nn.Module:
        """The ResNet, its attention pool, and the mean over positions."""
        return ImageTower(self.network, self.image)

    def text_tower(self) -> nn.Module:
        """The text transformer up to the sentence's vector."""
        return TextTower(self.network, self.text.max_length)

    @property
    def any_length(self) -> bool:
        """No: its 17 or 22 words are short anyway."""
        return False

    def process(self, pictures: Sequence[Pixels]) -> dict[str, NDArray[Any]]:
        """As CRIS's own data loader does it."""
        red, green, blue = (round(255 * mean) for mean in _MEAN)
        return {"pixels": np.stack([warped(picture, SIDE, (red, green, blue)) for picture in pictures])}

    def levels(self, processed: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Its pixels."""
        return processed["pixels"].astype(np.float64)

    def image_vectors(self, processed: Mapping[str, NDArray[Any]]) -> Vectors:
        """Through the network in torch."""
        mean, std = torch.tensor(_MEAN).view(3, 1, 1), torch.tensor(_STD).view(3, 1, 1)
        rows = []
        with torch.inference_mode():
            for chunk in torch.split(torch.from_numpy(processed["pixels"]), _BATCH):
                values = (chunk.permute(0, 3, 1, 2).float() / 255 - mean) / std
                *_, last = self.network.visual.stages(values)
                pool = self.network.visual.attnpool
                rows.append(pool(last, pool.positions(*last.shape[2:])).mean(dim=1))
        return torch.cat(rows).numpy()

    def text_vectors(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Through the network in torch."""
        mask = causal_mask(self.text.max_length)
        with torch.inference_mode():
            rows = [
                self.network.state(self.network.words(chunk, mask), chunk)
                for chunk in torch.split(torch.tensor(ids), _BATCH)
            ]
        return torch.cat(rows).numpy()


class ImageTower(nn.Module):
    """uint8 (n, H, W, 3) RGB in, float32 (n, d) unit rows out; rescaling and normalisation are inside."""

    positions: Tensor

    def __init__(self, network: DualEncoder, rules: ImageRules) -> None:
        super().__init__()
        self.normalise = Normalise(rules)
        self.visual = network.visual
        grid = (pooled_grid(rules.size[0]), pooled_grid(rules.size[1]))
        # One constant of the graph: runtimes differ in how they resize.
        self.register_buffer("positions", network.visual.attnpool.positions(*grid).detach())

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of pictures."""
        *_, last = self.visual.stages(self.normalise(pixels))
        return unit(self.visual.attnpool(last, self.positions).mean(dim=1))


class TextTower(nn.Module):
    """int64 (m, max_length) ids in, float32 (m, d) unit rows out."""

    mask: Tensor

    def __init__(self, network: DualEncoder, max_length: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mask", causal_mask(max_length))

    def forward(self, ids: Tensor) -> Tensor:
        """Embed a batch of texts."""
        return unit(self.network.state(self.network.words(ids, self.mask), ids))


def read(checkpoint: Path, *, words: int = WORDS) -> Cris:
    """Read a CRIS checkpoint and the CLIP tokenizer beside it.

    Args:
        checkpoint: the file that CRIS's training wrote, or a folder with one such file.
        words: ids per text, the beginning and end of text among them, as in the checkpoint's configuration.

    Raises:
        UsageError: no such file, or `words` out of range.
        ArtefactError: keys are missing or unknown, tensors do not fit each other, or there is no tokenizer.
    """
    return read_all(checkpoint, words=words)[0]


def read_all(checkpoint: Path, *, words: int) -> tuple[Cris, dict[str, Tensor]]:
    """What `read` gives, and the tensors of the network over pairs, whose keys are checked and whose shapes are not.

    Raises:
        UsageError: as `read`.
        ArtefactError: as `read`.
    """
    path = _file(checkpoint)
    state = load_state(path)
    network = _network(path, state)
    context = len(network.positional_embedding)
    if not 3 <= words <= context:
        raise UsageError(f"{path}: expected 3 to {context} words, got {words}")
    tokenizer = _load_tokenizer(path.parent)
    require_vocabulary(path.parent, tokenizer, len(network.token_embedding.weight))
    if tokenizer.eos_token_id != max(tokenizer.get_vocab().values()):
        raise ArtefactError(
            f"{path.parent}: CRIS takes a sentence's vector at its highest id, and the tokenizer ends a text with "
            f"{tokenizer.eos_token_id}, which is not its highest"
        )
    encoder = Cris(
        path=path,
        network=network,
        dim=network.text_projection.shape[1],
        image=_image_rules(),
        text=ReferenceTokenizer(subject=path.parent, tokenizer=tokenizer, max_length=words, pad_id=0),
        weights_sha256=sha256_file(path),
    )
    return encoder, {name: tensor for name, tensor in state.items() if name.startswith(PAIR)}


def _file(checkpoint: Path) -> Path:
    if checkpoint.is_file():
        return checkpoint
    if not checkpoint.is_dir():
        raise UsageError(f"{checkpoint}: no such file or folder; expected a CRIS checkpoint (.pth)")
    found = sorted(path for path in checkpoint.iterdir() if path.suffix in (".pth", ".pt"))
    if len(found) != 1:
        raise ArtefactError(
            f"{checkpoint}: expected one .pth or .pt file, got {len(found)}; name the checkpoint's file itself"
        )
    return found[0]


def _network(path: Path, state: Mapping[str, Tensor]) -> DualEncoder:
    backbone = {name.removeprefix(BACKBONE): tensor for name, tensor in state.items() if name.startswith(BACKBONE)}
    try:
        shape = Shape.of(backbone)
    except KeyError:
        shape = Shape.by_names(backbone)  # for the names alone: one is missing, and is listed with all others
    except ValueError as error:
        raise ArtefactError(f"{path}: {error}") from error
    with torch.device("meta"):
        plan = DualEncoder(shape).state_dict()
    pair = set(pair_keys(count_of(state, "decoder.layers.")))
    require_keys(path, state, pair | {BACKBONE + name for name in plan})
    require_tensors(path, backbone, plan)
    network = DualEncoder(shape).float()
    network.load_state_dict(
        {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in backbone.items()}
    )
    assert all(name.startswith(PAIR) for name in pair), "every other key is of the network over pairs"
    return network.eval()


def _load_tokenizer(folder: Path) -> Any:
    if not any(all((folder / name).is_file() for name in names.split(" + ")) for names in _TOKENIZER_FILES):
        raise ArtefactError(f"{folder}: no tokenizer; expected CLIP's: {' or '.join(_TOKENIZER_FILES)}")
    try:
        if (folder / _MERGES).is_file():
            return _of_merges(gzip.decompress((folder / _MERGES).read_bytes()).decode())
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, EOFError, ValueError, RuntimeError) as error:
        raise ArtefactError(f"{folder}: its tokenizer does not load: {first_line(error)}") from error


def _of_merges(text: str) -> Any:
    """CLIP's tokenizer from the list of merges that comes with its code and CRIS's.

    Source: CLIP, `simple_tokenizer.py`: the vocabulary is 256 bytes, the same at a word's end, one piece per merge, two ends.
    """
    merges = [tuple(line.split()) for line in text.splitlines()[1 : _N_MERGES + 1] if line.strip()]
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    letters = [*map(chr, shown), *(chr(256 + row) for row in range(len(hidden)))]
    pieces = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocabulary = {piece: row for row, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges)


def _image_rules() -> ImageRules:
    return ImageRules(
        size=(SIDE, SIDE),
        resize="letterbox",
        interpolation="cubic",
        antialias=False,
        channel_order="RGB",
        rescale=1 / 255,
        mean=_MEAN,
        std=_STD,
        note="the whole frame in its own shape: one of 16:9 fills 56 % of the square, and the mean colour the rest",
    )
