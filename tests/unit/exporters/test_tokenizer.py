"""The tokenizer.json that the exporter writes gives the reference tokenizer's ids, or is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, normalizers

from checkpoints import MAX_LENGTH, tiny_checkpoint
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError
from framedex_export.battery import texts
from framedex_export.families.siglip import Siglip, read
from framedex_export.spiece import convert_spiece
from framedex_export.tokenizer import WrittenTokenizer, first_difference, write_tokenizer


@pytest.fixture(scope="module")
def encoder() -> Siglip:
    return read(tiny_checkpoint())


def _write(encoder: Siglip, path: Path) -> WrittenTokenizer:
    return write_tokenizer(encoder.text, encoder.tokenizers(), path)


@pytest.fixture(scope="module")
def converted(encoder: Siglip, tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    return TextEncoder(path, _write(encoder, path).rules)


def test_only_spiece_is_converted_and_every_text_agrees(encoder: Siglip, tmp_path: Path) -> None:
    written = _write(encoder, tmp_path / "tokenizer.json")
    assert written.origin == "converted from spiece.model"
    assert written.texts == len(texts()) > 100
    assert (written.rules.max_length, written.rules.pad_id, written.rules.eos_id) == (MAX_LENGTH, 1, 1)


def test_the_battery_is_not_all_unknown_words(encoder: Siglip) -> None:
    ids = encoder.text.ids(texts())
    assert len({token for row in ids for token in row}) > 60
    assert sum(row[-1] == 1 and row[-2] != 1 for row in ids) > 20, "cut to the last position"


def test_golden_ids(converted: TextEncoder, encoder: Siglip) -> None:
    pieces = encoder.checkpoint.tokenizer.convert_ids_to_tokens
    (row,) = converted.encode(["The QUICK, brown dog!"]).ids.tolist()
    assert pieces(row[:4]) == ["▁the", "▁quick", "▁brown", "▁dog"]
    assert row[4:] == [1] * (MAX_LENGTH - 4)


# Letters of many scripts, digits, marks, blanks of every kind, unassigned to the vocabulary or not.
_PLAIN = st.text(
    st.one_of(
        st.sampled_from("abc xyz ABC 019 .,;:!?'\"-_()[]{}<>/\\@#$%^&*+=~`| \t\n\r\u00a0\u2003\u3000\x1c\x85"),
        st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Po")),
    ),
    max_size=40,
)


@given(_PLAIN)
def test_any_text_gives_the_reference_ids(converted: TextEncoder, encoder: Siglip, text: str) -> None:
    assert converted.encode([text]).ids.tolist() == encoder.text.ids([text])


def test_the_checkpoints_own_tokenizer_is_taken(tmp_path: Path) -> None:
    encoder = read(tiny_checkpoint("tokenizer.json"))
    written = _write(encoder, tmp_path / "tokenizer.json")
    assert written.origin == "checkpoint"
    assert (tmp_path / "tokenizer.json").read_bytes() == (encoder.checkpoint.folder / "tokenizer.json").read_bytes()


def test_an_own_tokenizer_that_disagrees_gives_way_to_spiece(encoder: Siglip, tmp_path: Path) -> None:
    folder = shutil.copytree(encoder.checkpoint.folder, tmp_path / "checkpoint")
    _cased(encoder).save(str(folder / "tokenizer.json"))
    written = _write(read(folder), tmp_path / "tokenizer.json")
    assert written.origin == "converted from spiece.model"


def test_none_that_agrees_is_refused_with_the_first_text(encoder: Siglip, tmp_path: Path) -> None:
    folder = shutil.copytree(encoder.checkpoint.folder, tmp_path / "checkpoint")
    loaded = read(folder)
    _cased(encoder).save(str(folder / "tokenizer.json"))
    (folder / "spiece.model").unlink()
    with pytest.raises(ArtefactError, match=r"text 'A Dog Jumps Over The Fence': expected \[.*\], got \[.*\]"):
        _write(loaded, tmp_path / "tokenizer.json")


def test_one_id_in_one_text_is_a_difference(encoder: Siglip, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    rules = _write(encoder, path).rules
    battery = ["a dog", "two cats"]
    expected = encoder.text.ids(battery)
    assert first_difference(path, rules, battery, expected) is None
    expected[1][-1] = 0
    assert str(first_difference(path, rules, battery, expected)).startswith("text 'two cats': expected [")


def test_what_is_no_sentencepiece_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes(b"\xff\xff\xff not a model")
    with pytest.raises(ArtefactError, match="no SentencePiece model"):
        convert_spiece(tmp_path / "spiece.model", special_tokens=[])


def _cased(encoder: Siglip) -> Tokenizer:
    """The conversion without its lower-casing: wrong for SigLIP."""
    tokenizer = convert_spiece(
        encoder.checkpoint.folder / "spiece.model", special_tokens=encoder.checkpoint.tokenizer.all_special_tokens
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("?", "")])
    return tokenizer
