"""SigLIP2: SigLIP's model at a fixed size, or NaFlex in the picture's own shape; texts lower-cased, punctuation kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from framedex.errors import ArtefactError
from framedex_export.checkpoint import Checkpoint, model_type, read_checkpoint
from framedex_export.families.siglip import KIND, Siglip, common_width, square_rules
from framedex_export.tokenizer import Candidate, ReferenceTokenizer, loaded_candidates

NOTE = "lower-cased; punctuation and blanks kept"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Siglip2(Siglip):
    """A SigLIP2 checkpoint of a fixed size."""

    def tokenizers(self) -> Iterable[Candidate]:
        """The checkpoint's own tokenizer.json, then its tokenizer written anew."""
        return loaded_candidates(self.text, note=NOTE)


def read(folder: Path) -> Siglip2:
    """Read a SigLIP2 checkpoint: NaFlex where config.json names `siglip2`, a fixed size where it names `siglip`.

    Raises:
        UsageError: no such folder.
        ArtefactError: it is no SigLIP2 checkpoint, or one whose files do not fit each other.
    """
    from framedex_export.families import naflex

    flexible = model_type(folder) == naflex.KIND.model_type
    checkpoint = read_checkpoint(folder, naflex.KIND if flexible else KIND)
    if flexible:
        naflex.mend_reference(checkpoint.model)
    return (naflex.NaFlex if flexible else Siglip2)(
        name="siglip2",
        checkpoint=checkpoint,
        dim=common_width(checkpoint),
        image=naflex.sheet_rules(checkpoint) if flexible else square_rules(checkpoint),
        text=lower_cased(checkpoint),
    )


def lower_cased(checkpoint: Checkpoint) -> ReferenceTokenizer:
    """The checkpoint's tokenizer, lower-casing a text first where it does not do so itself.

    Raises:
        ArtefactError: it is SigLIP's.

    Source: the model card ("trained with lower-cased text") and `Siglip2Tokenizer` of transformers 5.23, which lower-cases;
        checkpoints of fixed size name `GemmaTokenizer`, which does not.
    """
    tokenizer = checkpoint.tokenizer
    if type(tokenizer).__name__ == "SiglipTokenizer":
        raise ArtefactError(
            f"{checkpoint.folder}: has SigLIP's tokenizer, which drops punctuation; use framedex-export siglip"
        )
    lowers = tokenizer("ABC xyz")["input_ids"] == tokenizer("abc xyz")["input_ids"]
    return ReferenceTokenizer(
        subject=checkpoint.folder,
        tokenizer=tokenizer,
        max_length=checkpoint.max_length,
        lower_first=not lowers,
    )
