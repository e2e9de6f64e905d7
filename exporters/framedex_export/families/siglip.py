"""SigLIP: two towers of one width, pictures squashed to a square, texts lower-cased without punctuation and padded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn
from transformers import SiglipImageProcessorPil, SiglipModel

from framedex.embed.manifest import ImageRules
from framedex.errors import ArtefactError
from framedex_export.checkpoint import Checkpoint, Kind, read_checkpoint
from framedex_export.families.hugging_face import HuggingFaceFamily
from framedex_export.image_rules import read_rules
from framedex_export.spiece import convert_spiece
from framedex_export.tokenizer import Candidate, ReferenceTokenizer
from framedex_export.towers import Normalise, unit

KIND = Kind(
    model_type="siglip",
    model=SiglipModel,
    processor=SiglipImageProcessorPil,
    processor_types=("SiglipImageProcessor", "SiglipImageProcessorFast", "SiglipImageProcessorPil"),
    tokenizer_files=("tokenizer.json", "spiece.model"),
)
_SPIECE_NOTE = "lower-cased, ASCII punctuation removed, blanks collapsed"
_OWN_NOTE = "as the checkpoint's own tokenizer.json says"
_SIGLIP2_TOKENIZERS = ("GemmaTokenizer", "Siglip2Tokenizer")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Siglip(HuggingFaceFamily):
    """A SigLIP checkpoint."""

    def tokenizers(self) -> Iterable[Candidate]:
        """The checkpoint's own tokenizer.json, then its spiece.model converted."""
        own, spiece = self.checkpoint.folder / "tokenizer.json", self.checkpoint.folder / "spiece.model"
        if own.is_file():
            yield Candidate(data=own.read_bytes(), origin="checkpoint", note=_OWN_NOTE)
        if spiece.is_file():
            converted = convert_spiece(spiece, special_tokens=self.checkpoint.tokenizer.all_special_tokens)
            yield Candidate(data=converted.to_str().encode(), origin="converted from spiece.model", note=_SPIECE_NOTE)

    def image_tower(self) -> nn.Module:
        """The vision model with its pooling head."""
        return ImageTower(self.checkpoint.model, self.image)

    def text_tower(self) -> nn.Module:
        """The text model with its head."""
        return TextTower(self.checkpoint.model)


class ImageTower(nn.Module):
    """uint8 (n, H, W, 3) RGB in, float32 (n, d) unit rows out; rescaling and normalisation are inside.

    Args:
        model: SiglipModel in evaluation mode, float32.
        rules: the artefact's.
    """

    def __init__(self, model: SiglipModel, rules: ImageRules) -> None:
        super().__init__()
        self.normalise = Normalise(rules)
        self.vision = model.vision_model

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of pictures."""
        return unit(self.vision(pixel_values=self.normalise(pixels)).pooler_output)


class TextTower(nn.Module):
    """int64 (m, max_length) ids in, float32 (m, d) unit rows out.

    No attention mask: SigLIP and SigLIP2 attend to their padding and pool the last position.

    Args:
        model: in evaluation mode, float32.
    """

    def __init__(self, model: SiglipModel) -> None:
        super().__init__()
        self.text = model.text_model

    def forward(self, ids: Tensor) -> Tensor:
        """Embed a batch of texts."""
        return unit(self.text(input_ids=ids).pooler_output)


def read(folder: Path) -> Siglip:
    """Read a SigLIP checkpoint.

    Raises:
        UsageError: no such folder.
        ArtefactError: it is no SigLIP checkpoint, or one whose files do not fit each other.
    """
    checkpoint = read_checkpoint(folder, KIND)
    if type(checkpoint.tokenizer).__name__ in _SIGLIP2_TOKENIZERS:
        raise ArtefactError(
            f"{folder}: has SigLIP2's tokenizer, whose texts are lower-cased first; use framedex-export siglip2"
        )
    return Siglip(
        name="siglip",
        checkpoint=checkpoint,
        dim=common_width(checkpoint),
        image=square_rules(checkpoint),
        text=ReferenceTokenizer(subject=folder, tokenizer=checkpoint.tokenizer, max_length=checkpoint.max_length),
    )


def common_width(checkpoint: Checkpoint) -> int:
    """Dimensions of the vectors of both towers.

    Raises:
        ArtefactError: the towers differ, or the vision model pools nothing.
    """
    vision, text = checkpoint.model.config.vision_config, checkpoint.model.config.text_config
    if not vision.vision_use_head:
        raise ArtefactError(
            f"{checkpoint.folder}: the vision model has no pooling head, so it gives no picture's vector"
        )
    if vision.hidden_size != text.projection_size:
        raise ArtefactError(
            f"{checkpoint.folder}: image vectors have {vision.hidden_size} dimensions and text vectors {text.projection_size}"
        )
    return int(vision.hidden_size)


def square_rules(checkpoint: Checkpoint) -> ImageRules:
    """The rules of a processor that squashes pictures to the model's square.

    Raises:
        ArtefactError: it does something else.
    """
    side = checkpoint.model.config.vision_config.image_size
    size = (checkpoint.processor.size["height"], checkpoint.processor.size["width"])
    if size != (side, side):
        raise ArtefactError(
            f"{checkpoint.folder}: the processor resizes to {size[0]}x{size[1]} and the model takes {side}x{side}"
        )
    return read_rules(checkpoint, {}, size=size, resize="squash")
