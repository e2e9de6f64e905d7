"""CLIP with a vision transformer: the middle of the picture, texts pooled at their end, a scale and no bias."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import CLIPImageProcessorPil, CLIPModel

from framedex.embed.manifest import ImageRules
from framedex.errors import ArtefactError
from framedex_export.checkpoint import Checkpoint, Kind, read_checkpoint
from framedex_export.families.hugging_face import HuggingFaceFamily
from framedex_export.image_rules import read_rules
from framedex_export.tokenizer import Candidate, ReferenceTokenizer, loaded_candidates
from framedex_export.towers import Normalise, unit

KIND = Kind(
    model_type="clip",
    model=CLIPModel,
    processor=CLIPImageProcessorPil,
    processor_types=("CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor"),
    tokenizer_files=("tokenizer.json", "vocab.json + merges.txt"),
)
NOTE = "blanks collapsed, lower-cased; punctuation kept"
#: In config.json of the first CLIP checkpoints; their text model pools at the highest id instead.
_LEGACY_EOS = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip(HuggingFaceFamily):
    """A CLIP checkpoint."""

    def tokenizers(self) -> Iterable[Candidate]:
        """The checkpoint's own tokenizer.json, then its tokenizer written anew."""
        return loaded_candidates(self.text, note=NOTE)

    def image_tower(self) -> nn.Module:
        """The vision model and its projection."""
        return ImageTower(self.checkpoint.model, self.image)

    def text_tower(self) -> nn.Module:
        """The text model and its projection."""
        return TextTower(self.checkpoint.model, self.text.max_length)

    @property
    def any_length(self) -> bool:
        """Yes: no position sees a later one, and a text is pooled at its end."""
        return True


class ImageTower(nn.Module):
    """uint8 (n, H, W, 3) RGB in, float32 (n, d) unit rows out; rescaling and normalisation are inside.

    Args:
        model: CLIPModel in evaluation mode, float32.
        rules: the artefact's.
    """

    def __init__(self, model: CLIPModel, rules: ImageRules) -> None:
        super().__init__()
        self.normalise = Normalise(rules)
        self.vision = model.vision_model
        self.projection = model.visual_projection

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of pictures."""
        return unit(self.projection(self.vision(pixel_values=self.normalise(pixels)).pooler_output))


class TextTower(nn.Module):
    """int64 (m, k) ids in, k of 2 to max_length, float32 (m, d) unit rows out.

    What follows the end of text changes nothing: no position sees a later one, and the end of text is pooled.

    Args:
        model: CLIPModel in evaluation mode, float32.
        max_length: ids per text.
    """

    mask: Tensor

    def __init__(self, model: CLIPModel, max_length: int) -> None:
        super().__init__()
        self.text = model.text_model
        self.projection = model.text_projection
        # Made here, so that it is one constant of the graph.
        self.register_buffer("mask", causal_mask(max_length)[None, None])

    def forward(self, ids: Tensor) -> Tensor:
        """Embed a batch of texts."""
        length = ids.shape[1]
        mask = self.mask[..., :length, :length]
        return unit(self.projection(self.text(input_ids=ids, attention_mask=mask).pooler_output))


def causal_mask(length: int) -> Tensor:
    """float32 (length, length): what is added to attention's scores so that no position sees a later one."""
    return torch.full((length, length), torch.finfo(torch.float32).min).triu(1)


def read(folder: Path) -> Clip:
    """Read a CLIP checkpoint.

    Raises:
        UsageError: no such folder.
        ArtefactError: it is no CLIP checkpoint, or one whose files do not fit each other.
    """
    checkpoint = read_checkpoint(folder, KIND)
    require_end_of_text(checkpoint)
    return Clip(
        name="clip",
        checkpoint=checkpoint,
        dim=int(checkpoint.model.config.projection_dim),
        image=_crop_rules(checkpoint),
        text=ReferenceTokenizer(subject=folder, tokenizer=checkpoint.tokenizer, max_length=checkpoint.max_length),
    )


def require_end_of_text(checkpoint: Checkpoint) -> None:
    """The model must pool where the tokenizer ends a text; else it would pool the beginning, and say nothing."""
    pooled, ends = checkpoint.model.config.text_config.eos_token_id, checkpoint.tokenizer.eos_token_id
    if pooled == _LEGACY_EOS:
        pooled = max(checkpoint.tokenizer.get_vocab().values())
    if pooled != ends:
        raise ArtefactError(
            f"{checkpoint.folder}: the model pools a text at id {pooled} and the tokenizer ends it with {ends}; they are not "
            "of one checkpoint"
        )


def _crop_rules(checkpoint: Checkpoint) -> ImageRules:
    side = checkpoint.model.config.vision_config.image_size
    processor = checkpoint.processor
    edge = processor.size.shortest_edge
    if edge is None:
        raise ArtefactError(
            f"{checkpoint.folder}: the processor's size is {dict(processor.size)}, expected a shortest_edge for CLIP"
        )
    crop = (processor.crop_size["height"], processor.crop_size["width"])
    if crop != (side, side):
        raise ArtefactError(
            f"{checkpoint.folder}: the processor crops to {crop[0]}x{crop[1]} and the model takes {side}x{side}"
        )
    return read_rules(
        checkpoint,
        {"do_center_crop": True},
        size=crop,
        resize="shortest-edge-crop",
        shortest_edge=edge,
        note=f"only the middle is seen: {100 * side * 9 / (edge * 16):.0f} % of the width of a 16:9 frame",
    )
