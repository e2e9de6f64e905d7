"""Texts become padded ids; what is cut and what is nothing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from framedex.embed.manifest import TextRules
from framedex.embed.text import TextEncoder, cut_behind_ends
from framedex.errors import ArtefactError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2, "a": 3, "red": 4, "dog": 5}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace("?", "")])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    # Settings of the file's own, which must give way to the manifest.
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=9, pad_id=1, pad_token="</s>")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def _rules(**changes: object) -> TextRules:
    return TextRules.model_validate(
        {
            "max_length": 5,
            "padding": "max_length",
            "pad_id": 0,
            "truncation": "end",
            "eos": "appended, kept when truncated",
            "eos_id": 1,
            "tokenizer_sha256": "00" * 32,
            "note": "",
            **changes,
        }
    )


def test_ids_are_padded_and_the_end_is_kept_when_cut(path: Path) -> None:
    batch = TextEncoder(path, _rules()).encode(["A red dog", "a red dog a", "a red dog a red red", "cat"])
    assert batch.ids.dtype == np.int64
    assert batch.ids.tolist() == [[3, 4, 5, 1, 0], [3, 4, 5, 3, 1], [3, 4, 5, 3, 1], [2, 1, 0, 0, 0]]
    assert batch.truncated.tolist() == [False, False, True, False]
    assert batch.empty.tolist() == [False] * 4


def test_what_the_rules_leave_nothing_of_is_empty(path: Path) -> None:
    batch = TextEncoder(path, _rules()).encode(["", "  ", "??", "? a"])
    assert batch.empty.tolist() == [True, True, True, False]
    assert batch.ids.tolist() == [[1, 0, 0, 0, 0]] * 3 + [[3, 1, 0, 0, 0]]


def test_padding_may_come_before_the_text(path: Path) -> None:
    batch = TextEncoder(path, _rules(padding_side="left")).encode(["a", "a red dog a red"])
    assert batch.ids.tolist() == [[0, 0, 0, 3, 1], [3, 4, 5, 3, 1]]
    assert batch.truncated.tolist() == [False, True]


def test_blanks_are_nothing_even_where_they_are_pieces(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "▁": 2}, unk_token="▁"))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    batch = TextEncoder(tmp_path / "tokenizer.json", _rules()).encode(["  ", "\n\t", "x"])
    assert batch.empty.tolist() == [True, True, False]


def test_no_text_gives_no_rows(path: Path) -> None:
    batch = TextEncoder(path, _rules()).encode([])
    assert batch.ids.shape == (0, 5)
    assert batch.truncated.shape == batch.empty.shape == (0,)


def test_a_padding_id_outside_the_vocabulary_is_refused(path: Path) -> None:
    with pytest.raises(ArtefactError, match="pads with id 6, which is not in the vocabulary"):
        TextEncoder(path, _rules(pad_id=6))


def test_ids_are_cut_behind_the_end_of_the_longest_text(path: Path) -> None:
    encoder = TextEncoder(path, _rules())
    ids = encoder.encode(["red", "a red dog", "dog"]).ids
    assert cut_behind_ends(ids, _rules()).tolist() == [[4, 1, 0, 0], [3, 4, 5, 1], [5, 1, 0, 0]]
    assert cut_behind_ends(ids[::2], _rules()).tolist() == [[4, 1], [5, 1]]
    longest = encoder.encode(["a red dog a red dog"]).ids
    assert cut_behind_ends(longest, _rules()).tolist() == longest.tolist()


def test_ids_without_an_end_are_left_as_they_are() -> None:
    ids = np.array([[3, 4, 5, 3, 4], [3, 1, 0, 0, 0]], np.int64)
    assert cut_behind_ends(ids, _rules()) is ids


def test_texts_padded_in_front_end_with_the_row(path: Path) -> None:
    rules = _rules(padding_side="left")
    ids = TextEncoder(path, rules).encode(["red", "a red dog"]).ids
    assert np.array_equal(cut_behind_ends(ids, rules), ids)
