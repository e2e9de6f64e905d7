"""The artefact's `tokenizer.json`: the checkpoint's own, or made from its SentencePiece model, proved id by id."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers.convert_slow_tokenizer import import_protobuf

from framedex.embed.manifest import TextRules
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError
from framedex.keys import sha256_file
from framedex_export.battery import texts
from framedex_export.checkpoint import Checkpoint

Origin = Literal["checkpoint", "converted from spiece.model"]

_UNIGRAM = 1
_SIGLIP_NOTE = "lower-cased, ASCII punctuation removed, blanks collapsed"
_OWN_NOTE = "as the checkpoint's own tokenizer.json says"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTokenizer:
    """A tokenizer.json that gives the reference's ids on every text of the battery.

    Attributes:
        rules: the artefact's text rules.
        origin: where it came from.
        texts: how many texts were compared.
    """

    rules: TextRules
    origin: Origin
    texts: int


def write_tokenizer(checkpoint: Checkpoint, path: Path) -> WrittenTokenizer:
    """Write a tokenizer.json to `path` that agrees with the checkpoint's reference tokenizer.

    The checkpoint's own tokenizer.json is taken if it agrees; else its spiece.model is converted.

    Raises:
        ArtefactError: neither agrees; the message holds the first text whose ids differ.
    """
    own = checkpoint.folder / "tokenizer.json"
    spiece = checkpoint.folder / "spiece.model"
    battery = texts()
    expected = reference_ids(checkpoint, battery)
    difference = None
    if own.is_file():
        path.write_bytes(own.read_bytes())
        rules = _rules(checkpoint, path, note=_OWN_NOTE)
        difference = first_difference(path, rules, battery, expected)
        if difference is None:
            return WrittenTokenizer(rules=rules, origin="checkpoint", texts=len(battery))
    if spiece.is_file():
        tokenizer = convert_spiece(spiece, special_tokens=checkpoint.tokenizer.all_special_tokens)
        path.write_text(tokenizer.to_str(), encoding="utf-8")
        rules = _rules(checkpoint, path, note=_SIGLIP_NOTE)
        difference = first_difference(path, rules, battery, expected)
        if difference is None:
            return WrittenTokenizer(rules=rules, origin="converted from spiece.model", texts=len(battery))
    raise ArtefactError(
        f"{checkpoint.folder}: no tokenizer.json gives the ids of its reference tokenizer: {difference}"
    )


def reference_ids(checkpoint: Checkpoint, battery: Sequence[str]) -> list[list[int]]:
    """The ids that the checkpoint's tokenizer gives, padded and cut as SigLIP's own examples do."""
    encoded = checkpoint.tokenizer(
        list(battery), padding="max_length", truncation=True, max_length=checkpoint.max_length
    )
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def first_difference(
    path: Path, rules: TextRules, battery: Sequence[str], expected: Sequence[Sequence[int]]
) -> str | None:
    """The first text whose ids are not as expected, and both; None where all agree."""
    got = TextEncoder(path, rules).encode(battery).ids.tolist()
    for text, ours, theirs in zip(battery, got, expected, strict=True):
        if ours != list(theirs):
            return f"text {text!r}: expected {list(theirs)}, got {ours}"
    return None


def convert_spiece(path: Path, *, special_tokens: Sequence[str]) -> Tokenizer:
    """A SentencePiece Unigram model as a tokenizers.Tokenizer with SigLIP's text rules.

    Known to differ from the reference: what follows a special token that is spelled out in the text ("a </s> b") begins a
    word here and continues one there; a mark that combines with a compatibility character ("½" and U+0308) is dropped; and of
    two splits of equal score ("33" "3" and "3" "33") the other may be taken. Seen in 7 of 20,000 lines of documentation.

    Raises:
        ArtefactError: the file is no SentencePiece model, or none of the Unigram kind.

    Source: `SiglipTokenizer` of transformers 5.23 (canonicalize_text, then SentencePiece with a dummy prefix).
    """
    model = _read_spiece(path)
    pieces = [(piece.piece, piece.score) for piece in model.pieces]
    eos = model.trainer_spec.eos_piece
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=model.trainer_spec.unk_id, byte_fallback=False))
    # Python's blanks (str.isspace), which are more than the regular expressions' here.
    blanks = Regex(r"[\s\x1c-\x1f\x85]+")
    steps = [
        normalizers.Replace("▁", " "),
        # Python lower-cases a capital sigma at a word's end to its final form; Lowercase does not.
        normalizers.Replace(Regex(r"(?<=\p{L})Σ(?!\p{L})"), "ς"),
        normalizers.Lowercase(),
        normalizers.Replace(Regex(f"[{re.escape(string.punctuation)}]"), ""),
        normalizers.Replace(blanks, " "),
    ]
    if model.normalizer_spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap))
        steps.append(normalizers.Replace(blanks, " "))  # the map makes blanks of its own
    steps.append(normalizers.Strip())
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {eos}", special_tokens=[(eos, model.trainer_spec.eos_id)]
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, lstrip=True, rstrip=True, normalized=False, special=True) for token in special_tokens]
    )
    return tokenizer


def _read_spiece(path: Path) -> Any:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # the package brings no types

    protobuf = import_protobuf()
    model = protobuf.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ArtefactError(f"{path}: no SentencePiece model ({error})") from error
    if model.trainer_spec.model_type != _UNIGRAM:
        raise ArtefactError(
            f"{path}: expected a SentencePiece model of the Unigram kind (1), got kind {model.trainer_spec.model_type}"
        )
    return model


def _rules(checkpoint: Checkpoint, path: Path, *, note: str) -> TextRules:
    return TextRules(
        max_length=checkpoint.max_length,
        padding="max_length",
        pad_id=checkpoint.tokenizer.pad_token_id,
        truncation="end",
        eos="appended, kept when truncated",
        eos_id=checkpoint.tokenizer.eos_token_id,
        tokenizer_sha256=sha256_file(path),
        note=note,
    )
