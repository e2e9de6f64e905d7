"""Texts to the ids that a text tower takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from framedex.embed.manifest import TextRules
from framedex.errors import ArtefactError, UsageError
from framedex.visible import is_unicode


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenBatch:
    """Texts as ids, every row of the tower's length.

    Attributes:
        ids: int64 (m, L), padded at the end, or before the text where the rules say left.
        truncated: bool (m,), the text was longer and was cut.
        empty: bool (m,), the text is blank, or the encoder's rules leave nothing of it ("?!" for SigLIP).
    """

    ids: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    empty: NDArray[np.bool_]


def cut_behind_ends(ids: NDArray[np.int64], rules: TextRules) -> NDArray[np.int64]:
    """Ids (m, L) without the columns behind the end of every text, for towers that see no id behind a text's end.

    A text ends at its first `eos_id`, where such a tower pools it.
    """
    ends = ids == rules.eos_id
    if not ends.any(axis=1).all():
        return ids
    return np.ascontiguousarray(ids[:, : int(ends.argmax(axis=1).max()) + 1])


class TextEncoder:
    """A `tokenizer.json` under an artefact's text rules.

    Args:
        path: the tokenizer.json, already proved against the manifest.
        rules: the artefact's.

    Raises:
        ArtefactError: no tokenizer, or one without the padding id in its vocabulary.
    """

    def __init__(self, path: Path, rules: TextRules) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ArtefactError(f"{path}: expected a tokenizer.json, got {error}; export the encoder again") from error
        self._rules = rules
        pad_token = self._tokenizer.id_to_token(rules.pad_id)
        if pad_token is None:
            raise ArtefactError(
                f"{path}: the manifest pads with id {rules.pad_id}, which is not in the vocabulary; export it again"
            )
        # What the file itself says of padding and truncation gives way to the manifest.
        self._tokenizer.enable_padding(
            direction=rules.padding_side or "right", length=rules.max_length, pad_id=rules.pad_id, pad_token=pad_token
        )
        self._tokenizer.enable_truncation(rules.max_length)

    def encode(self, texts: Sequence[str]) -> TokenBatch:
        """Encode m >= 0 texts, each on its own.

        Raises:
            UsageError: a text with half a character in it, which is no Unicode.
        """
        for text in texts:
            if not is_unicode(text):
                raise UsageError(
                    f"text {text!r}: expected Unicode, got bytes that are none; check the terminal's encoding"
                )
        # One by one: encode_batch starts threads outside every budget.
        encodings = [self._tokenizer.encode(text) for text in texts]
        ids = np.array([encoding.ids for encoding in encodings], np.int64).reshape(len(texts), self._rules.max_length)
        return TokenBatch(
            ids=ids,
            truncated=np.array([bool(encoding.overflowing) for encoding in encodings], np.bool_),
            empty=np.array(
                [
                    not text.strip() or all(encoding.special_tokens_mask)
                    for text, encoding in zip(texts, encodings, strict=True)
                ],
                np.bool_,
            ),
        )
