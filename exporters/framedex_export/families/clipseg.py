"""CLIPSeg: CLIP's vision transformer, and a small decoder that the text's vector steers to a map as large as the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from transformers import CLIPSegForImageSegmentation
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from framedex.errors import ArtefactError
from framedex.pair.manifest import FrameScore
from framedex_export.checkpoint import Checkpoint, Kind, read_checkpoint
from framedex_export.families.clip import KIND as CLIP_KIND
from framedex_export.families.clip import NOTE as CLIP_NOTE
from framedex_export.families.clip import causal_mask, require_end_of_text
from framedex_export.families.hugging_face_pair import HuggingFacePair
from framedex_export.image_rules import read_rules
from framedex_export.tokenizer import ReferenceTokenizer
from framedex_export.towers import Normalise

KIND = Kind(
    model_type="clipseg",
    model=CLIPSegForImageSegmentation,
    processor=ViTImageProcessorPil,
    processor_types=("ViTImageProcessor", "ViTImageProcessorFast", "ViTImageProcessorPil", "ViTFeatureExtractor"),
    tokenizer_files=CLIP_KIND.tokenizer_files,
)
#: Ours: a thing is where it is likelier than not.
THRESHOLD = 0.5

_SCORE = FrameScore(rule="max", threshold=THRESHOLD)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipSeg(HuggingFacePair):
    """A CLIPSeg checkpoint.

    Attributes:
        name: of the family.
        score: the rule.
        features: name of the reduced activations.
        words: name of the text's vector.
    """

    NOTE: ClassVar[str] = CLIP_NOTE

    name: Literal["clipseg"] = "clipseg"
    score: FrameScore = _SCORE
    features: tuple[str, ...] = ("activations",)
    words: tuple[str, ...] = ("condition",)

    def frame_part(self) -> nn.Module:
        """The vision transformer as far as it is looked at, and the decoder's reductions."""
        return FramePart(self.checkpoint.model, self)

    def text_part(self) -> nn.Module:
        """The text transformer and its projection."""
        return TextPart(self.checkpoint.model, self.text.max_length)

    def pair_part(self) -> nn.Module:
        """The rest of the decoder."""
        return PairPart(self.checkpoint.model)

    def _logits(self, values: Tensor, ids: Tensor) -> Tensor:
        logits: Tensor = self.checkpoint.model(pixel_values=values, input_ids=ids).logits
        return logits


class FramePart(nn.Module):
    """uint8 (n, H, W, 3) RGB in, float32 (n, layers, positions, reduced) out, of the layers that the decoder looks at.

    The deepest layer comes first. The reduction to the decoder's width is the last step that no text changes: 64 numbers a
    position are kept, not 768.
    """

    positions: Tensor

    def __init__(self, model: CLIPSegForImageSegmentation, family: ClipSeg) -> None:
        super().__init__()
        vision = model.clip.vision_model
        self.taken = tuple(reversed(model.extract_layers))
        self.normalise = Normalise(family.image)
        self.patches, self.first = vision.embeddings.patch_embedding, vision.embeddings.class_embedding
        self.norm = vision.pre_layrnorm
        self.layers = vision.encoder.layers[: max(self.taken) + 1]
        self.reduces = model.decoder.reduces
        height, width = family.image.size
        rows = torch.zeros(1, _positions(model, height, width), len(self.first))
        # One constant of the graph: runtimes differ in how they resize.
        with torch.no_grad():
            self.register_buffer("positions", vision.embeddings.interpolate_pos_encoding(rows, height, width).clone())

    def forward(self, pixels: Tensor) -> Tensor:
        """What of a batch of pictures no text changes."""
        patches = self.patches(self.normalise(pixels)).flatten(2).transpose(1, 2)
        rows = torch.cat([self.first.expand(patches.shape[0], 1, -1), patches], dim=1) + self.positions
        rows = self.norm(rows)
        given = {}
        for number, layer in enumerate(self.layers):
            rows = layer(rows, None)
            given[number] = rows
        reduced = [reduce(given[number]) for number, reduce in zip(self.taken, self.reduces, strict=True)]
        return torch.stack(reduced, dim=1)


class TextPart(nn.Module):
    """int64 (m, max_length) ids in, float32 (m, d) out; what follows the end of text changes nothing."""

    mask: Tensor

    def __init__(self, model: CLIPSegForImageSegmentation, max_length: int) -> None:
        super().__init__()
        self.text, self.projection = model.clip.text_model, model.clip.text_projection
        self.register_buffer("mask", causal_mask(max_length)[None, None])

    def forward(self, ids: Tensor) -> Tensor:
        """The vectors that steer the decoder."""
        vectors: Tensor = self.projection(self.text(input_ids=ids, attention_mask=self.mask).pooler_output)
        return vectors


class PairPart(nn.Module):
    """One picture's reduced activations (1, …) and k vectors (k, d) in, logits (k, H, W) out.

    Source: Lüddecke and Ecker, Image Segmentation Using Text and Image Prompts, CVPR 2022, section 3.
    """

    def __init__(self, model: CLIPSegForImageSegmentation) -> None:
        super().__init__()
        self.decoder = model.decoder

    def forward(self, activations: Tensor, condition: Tensor) -> Tensor:
        """One picture against k texts."""
        decoder = self.decoder
        rows = torch.zeros_like(activations[:, 0])
        for number, layer in enumerate(decoder.layers):
            rows = rows + activations[:, number]
            if number == decoder.conditional_layer:
                rows = decoder.film_mul(condition)[:, None] * rows + decoder.film_add(condition)[:, None]
            rows = layer(rows, None)
        squares = rows[:, 1:].transpose(1, 2)
        side = round(squares.shape[2] ** 0.5)
        logits: Tensor = decoder.transposed_convolution(squares.reshape(-1, squares.shape[1], side, side)).squeeze(1)
        return logits


def read(folder: Path) -> ClipSeg:
    """Read a CLIPSeg checkpoint.

    Raises:
        UsageError: no such folder.
        ArtefactError: it is no CLIPSeg checkpoint, or one whose files do not fit each other.
    """
    checkpoint = read_checkpoint(folder, KIND)
    require_end_of_text(checkpoint)
    side = _side(checkpoint)
    config = checkpoint.model.config
    layers: Sequence[int] = config.extract_layers
    if not layers or not all(0 <= layer < config.vision_config.num_hidden_layers for layer in layers):
        raise ArtefactError(
            f"{folder}: expected extract_layers among {config.vision_config.num_hidden_layers} layers, got {list(layers)}"
        )
    if not 0 <= config.conditional_layer < len(layers):
        raise ArtefactError(
            f"{folder}: expected a conditional_layer below {len(layers)}, got {config.conditional_layer}: the text would steer "
            "nothing"
        )
    return ClipSeg(
        checkpoint=checkpoint,
        image=read_rules(
            checkpoint,
            {},
            size=(side, side),
            resize="squash",
            note="the whole frame squeezed into a square; the map covers all of it",
        ),
        text=ReferenceTokenizer(subject=folder, tokenizer=checkpoint.tokenizer, max_length=checkpoint.max_length),
    )


def _side(checkpoint: Checkpoint) -> int:
    """Of the processor's square, which the model takes at any size that patches fill."""
    size, patch = checkpoint.processor.size, checkpoint.model.config.vision_config.patch_size
    if size.height is None or size.height != size.width or size.height % patch:
        raise ArtefactError(
            f"{checkpoint.folder}: the processor's size is {dict(size)}, expected a square that patches of {patch} fill"
        )
    return int(size.height)


def _positions(model: CLIPSegForImageSegmentation, height: int, width: int) -> int:
    patch = model.config.vision_config.patch_size
    return int((height // patch) * (width // patch) + 1)
