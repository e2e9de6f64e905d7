"""BLIP's image-text matching: a vision transformer, and a text transformer that looks at the picture in every layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import BlipForImageTextRetrieval
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from framedex.embed.manifest import ImageRules
from framedex.errors import ArtefactError, UsageError
from framedex.pair.manifest import FrameScore
from framedex_export.checkpoint import Checkpoint, Kind, read_checkpoint
from framedex_export.families.hugging_face_pair import HuggingFacePair
from framedex_export.image_rules import read_rules
from framedex_export.tokenizer import ReferenceTokenizer
from framedex_export.towers import Normalise

KIND = Kind(
    model_type="blip",
    model=BlipForImageTextRetrieval,
    processor=BlipImageProcessorPil,
    processor_types=("BlipImageProcessor", "BlipImageProcessorFast", "BlipImageProcessorPil"),
    tokenizer_files=("tokenizer.json", "vocab.txt"),
)
#: Of BLIP's own evaluation of image-text matching; the beginning and end of text are among them.
WORDS = 35

_SCORE = FrameScore(rule="prob")
_BLOCKED = torch.finfo(torch.float32).min


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlipItm(HuggingFacePair):
    """A BLIP checkpoint with a matching head.

    Attributes:
        name: of the family.
        score: the rule.
        features: name of the vision transformer's rows.
        words: none: the text transformer sees the picture from its first layer on.
    """

    NOTE: ClassVar[str] = (
        "BERT's pieces between [CLS] and [SEP]; lower-cased and accents stripped where the checkpoint's do"
    )

    name: Literal["blip-itm"] = "blip-itm"
    score: FrameScore = _SCORE
    features: tuple[str, ...] = ("rows",)
    words: tuple[str, ...] = ()

    def frame_part(self) -> nn.Module:
        """The vision transformer."""
        return FramePart(self.checkpoint.model, self.image)

    def text_part(self) -> None:
        """None: the pair graph takes ids."""

    def pair_part(self) -> nn.Module:
        """The text transformer and the matching head."""
        return PairPart(self.checkpoint.model, int(self.checkpoint.tokenizer.pad_token_id))

    def _logits(self, values: Tensor, ids: Tensor) -> Tensor:
        match = self.checkpoint.model(pixel_values=values, input_ids=ids, use_itm_head=True).itm_score
        difference: Tensor = match[:, 1] - match[:, 0]
        return difference


class FramePart(nn.Module):
    """uint8 (n, H, W, 3) RGB in, float32 (n, positions, width) out; rescaling and normalisation are inside."""

    def __init__(self, model: BlipForImageTextRetrieval, rules: ImageRules) -> None:
        super().__init__()
        self.normalise = Normalise(rules)
        self.vision = model.vision_model

    def forward(self, pixels: Tensor) -> Tensor:
        """What of a batch of pictures no text changes."""
        rows: Tensor = self.vision(pixel_values=self.normalise(pixels)).last_hidden_state
        return rows


class PairPart(nn.Module):
    """One picture's rows (1, positions, width) and k texts' int64 ids (k, length) in, float32 (k,) out.

    What comes out is how much the logit of "match" is above that of "no match". Keys and values of the picture are made once
    for all k texts.

    Args:
        model: in evaluation mode, float32.
        pad_id: positions that hold it are not looked at.
    """

    def __init__(self, model: BlipForImageTextRetrieval, pad_id: int) -> None:
        super().__init__()
        self.text, self.head = model.text_encoder, model.itm_head
        self.pad_id = pad_id

    def forward(self, rows: Tensor, ids: Tensor) -> Tensor:
        """One picture against k texts."""
        padding = (ids == self.pad_id).float()[:, None, None] * _BLOCKED
        mixed = self.text(input_ids=ids, attention_mask=padding, encoder_hidden_states=rows).last_hidden_state
        match = self.head(mixed[:, 0])
        difference: Tensor = match[:, 1] - match[:, 0]
        return difference


def read(folder: Path, *, words: int = WORDS, enc: bool = False) -> BlipItm:
    """Read a BLIP checkpoint with a matching head.

    Args:
        folder: of the checkpoint.
        words: ids per text, the beginning and end of text among them; a longer text is cut.
        enc: begin a text with [ENC], as LAVIS does, and not with [CLS], as transformers does.

    Raises:
        UsageError: no such folder, or `words` out of range.
        ArtefactError: it is no such checkpoint, or one whose files do not fit each other.
    """
    checkpoint = read_checkpoint(folder, KIND)
    most = checkpoint.max_length
    if not 3 <= words <= most:
        raise UsageError(f"{folder}: expected 3 to {most} words, got {words}")
    config, tokenizer = checkpoint.model.config, checkpoint.tokenizer
    if not config.text_config.is_decoder:
        raise ArtefactError(f"{folder}: its text model does not look at pictures (text_config.is_decoder is false)")
    ends = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
    if None in ends:
        raise ArtefactError(f"{folder}: expected a tokenizer with [CLS], [SEP] and [PAD], got ids {list(ends)}")
    side = config.vision_config.image_size
    size = checkpoint.processor.size
    if (size.height, size.width) != (side, side):
        raise ArtefactError(f"{folder}: the processor's size is {dict(size)} and the model takes {side}x{side}")
    if enc:
        _begin_with_enc(checkpoint)
    return BlipItm(
        checkpoint=checkpoint,
        image=read_rules(
            checkpoint,
            {},
            size=(side, side),
            resize="squash",
            note="the whole frame squeezed into a square",
        ),
        text=ReferenceTokenizer(subject=folder, tokenizer=tokenizer, max_length=words),
    )


def _begin_with_enc(checkpoint: Checkpoint) -> None:
    """Let the tokenizer begin a text with the embedding that BLIP trained for it: the last of two behind BERT's vocabulary.

    Source: LAVIS, `blip_image_text_matching.py` and `blip.py` (`init_tokenizer`).
    """
    tokenizer, rows = checkpoint.tokenizer, int(checkpoint.model.config.text_config.vocab_size)
    known = tokenizer.get_vocab().get("[ENC]")
    if known is None and len(tokenizer) != rows - 2:
        raise ArtefactError(
            f"{checkpoint.folder}: no [ENC]: expected it in the tokenizer, or a model with two entries more than the tokenizer, "
            f"got {rows} and {len(tokenizer)}"
        )
    ends = [("[ENC]", rows - 1 if known is None else known), ("[SEP]", tokenizer.sep_token_id)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="[ENC] $A [SEP]", special_tokens=ends)
