"""SigLIP's SentencePiece model as a tokenizer.json."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers.convert_slow_tokenizer import import_protobuf

from framedex.errors import ArtefactError

_UNIGRAM = 1


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
