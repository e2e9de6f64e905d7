"""The artefact's `tokenizer.json`: the first of a family's candidates that gives the reference's ids on every text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import normalizers

from framedex.embed.manifest import Origin, TextRules
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError
from framedex.keys import sha256_file
from framedex_export.battery import texts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceTokenizer:
    """A checkpoint's tokenizer in the way that its family is used.

    Attributes:
        subject: where it is from, for messages.
        tokenizer: as transformers loads it.
        max_length: ids per text.
        lower_first: lower-case a text before the tokenizer sees it.
        pad_id: where it is not the tokenizer's own.
    """

    subject: Path
    tokenizer: Any
    max_length: int
    lower_first: bool = False
    pad_id: int | None = None

    def ids(self, battery: Sequence[str]) -> list[list[int]]:
        """The ids of each text, padded and cut."""
        shown = [normalizers.Lowercase().normalize_str(text) for text in battery] if self.lower_first else list(battery)
        padding = "max_length" if self.pad_id is None else False
        encoded = self.tokenizer(shown, padding=padding, truncation=True, max_length=self.max_length)
        rows: list[list[int]] = encoded["input_ids"]
        return rows if self.pad_id is None else [row + [self.pad_id] * (self.max_length - len(row)) for row in rows]

    def rules(self, path: Path, *, note: str) -> TextRules:
        """The text rules with the tokenizer.json at `path`.

        Raises:
            ArtefactError: the reference appends no end of text, or has nothing to pad with.
        """
        bos_id, eos_id = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id
        if eos_id is None:  # BERT's call them otherwise
            bos_id, eos_id = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        pad_id = self.tokenizer.pad_token_id
        ids = self.tokenizer("a")["input_ids"]
        if eos_id is None or ids[-1:] != [eos_id]:
            raise ArtefactError(
                f"{self.subject}: its tokenizer appends no end of text; expected {eos_id}, got ids {ids}"
            )
        if pad_id is None:
            raise ArtefactError(f"{self.subject}: its tokenizer has no padding token")
        return TextRules(
            max_length=self.max_length,
            padding="max_length",
            padding_side="left" if self.pad_id is None and self.tokenizer.padding_side == "left" else None,
            pad_id=pad_id if self.pad_id is None else self.pad_id,
            truncation="end",
            bos_id=ids[0] if ids[0] == bos_id else None,
            eos="appended, kept when truncated",
            eos_id=eos_id,
            tokenizer_sha256=sha256_file(path),
            note=note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A tokenizer.json that may agree with the reference.

    Attributes:
        data: its bytes.
        origin: where it came from.
        note: what it does to a text, in words.
    """

    data: bytes
    origin: Origin
    note: str


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


def write_tokenizer(reference: ReferenceTokenizer, candidates: Iterable[Candidate], path: Path) -> WrittenTokenizer:
    """Write the first candidate that agrees with the reference to `path`.

    Raises:
        ArtefactError: none agrees; the message holds the first text whose ids differ.
    """
    battery = texts()
    expected = reference.ids(battery)
    difference = None
    for candidate in candidates:
        path.write_bytes(candidate.data)
        rules = reference.rules(path, note=candidate.note)
        difference = first_difference(path, rules, battery, expected)
        if difference is None:
            return WrittenTokenizer(rules=rules, origin=candidate.origin, texts=len(battery))
    raise ArtefactError(
        f"{reference.subject}: no tokenizer.json gives the ids of its reference tokenizer: {difference}"
    )


def first_difference(
    path: Path, rules: TextRules, battery: Sequence[str], expected: Sequence[Sequence[int]]
) -> str | None:
    """The first text whose ids are not as expected, and both; None where all agree."""
    got = TextEncoder(path, rules).encode(battery).ids.tolist()
    for text, ours, theirs in zip(battery, got, expected, strict=True):
        if ours != list(theirs):
            return f"text {text!r}: expected {list(theirs)}, got {ours}"
    return None


def loaded_candidates(reference: ReferenceTokenizer, *, note: str) -> Iterable[Candidate]:
    """The checkpoint's own tokenizer.json, then the loaded tokenizer written anew, lower-casing first where that is the rule."""
    own = reference.subject / "tokenizer.json"
    if own.is_file():
        yield Candidate(data=own.read_bytes(), origin="checkpoint", note=note)
    value = json.loads(reference.tokenizer.backend_tokenizer.to_str())
    if reference.lower_first:
        steps = [{"type": "Lowercase"}, *([value["normalizer"]] if value["normalizer"] else [])]
        value["normalizer"] = {"type": "Sequence", "normalizers": steps}
    data = json.dumps(value, ensure_ascii=False).encode()
    yield Candidate(data=data, origin="written from the loaded tokenizer", note=note)
