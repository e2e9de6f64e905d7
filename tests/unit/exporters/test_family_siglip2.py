"""SigLIP2 checkpoints of fixed size: lower-casing is ours where the tokenizer has none; ids equal the reference's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints import tiny_checkpoint
from family_checkpoints import SIGLIP2_LENGTH, family_checkpoint, gemma_tokenizer, make_siglip2
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError
from framedex_export.families import siglip
from framedex_export.families.siglip2 import Siglip2, read
from framedex_export.tokenizer import write_tokenizer


@pytest.fixture(scope="module")
def encoder() -> Siglip2:
    return read(family_checkpoint("siglip2"))


@pytest.fixture(scope="module")
def written(encoder: Siglip2, tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    written = write_tokenizer(encoder.text, encoder.tokenizers(), path)
    assert written.origin == "written from the loaded tokenizer"
    assert (written.rules.max_length, written.rules.pad_id, written.rules.eos_id) == (SIGLIP2_LENGTH, 0, 1)
    assert written.rules.bos_id is written.rules.padding_side is None
    return TextEncoder(path, written.rules)


def test_a_sound_checkpoint_is_read(encoder: Siglip2) -> None:
    assert (encoder.name, encoder.dim) == ("siglip2", 32)
    assert (encoder.image.resize, encoder.image.interpolation) == ("squash", "bilinear")
    assert encoder.logit_bias == -10.0
    assert encoder.text.lower_first


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Two RED dogs, aren't they?", "two▁red▁dogs,▁aren't▁they?"),
        ("  A  Dog ", "▁▁a▁▁dog▁"),
        ("CAFÉ 日本", "café▁日本"),
        ("", ""),
    ],
)
def test_golden_ids(written: TextEncoder, encoder: Siglip2, text: str, pieces: str) -> None:
    tokenizer = encoder.text.tokenizer
    (row,) = written.encode([text]).ids.tolist()
    expected = tokenizer(text.lower(), padding="max_length", max_length=SIGLIP2_LENGTH, truncation=True)
    assert row == expected["input_ids"]
    ends = row.index(1)
    assert row[ends + 1 :] == [0] * (SIGLIP2_LENGTH - ends - 1)
    assert "".join(tokenizer.convert_ids_to_tokens(row[:ends])) == pieces


# Letters of many scripts, digits, marks and blanks.
_PLAIN = st.text(
    st.one_of(
        st.sampled_from("abc xyz ABC 019 .,;:!?'\"-_()[]{}<>/\\@#$%^&*+=~`| \t\n\u00a0\u3000"),
        st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Po")),
    ),
    max_size=40,
)


@given(_PLAIN)
def test_any_text_gives_the_reference_ids(written: TextEncoder, encoder: Siglip2, text: str) -> None:
    assert written.encode([text]).ids.tolist() == encoder.text.ids([text])


def test_what_is_too_long_is_cut_at_the_end_of_text_and_flagged(written: TextEncoder) -> None:
    long = " ".join(["dog"] * 200)
    batch = written.encode(["a dog", long, long + " jumps"])
    assert batch.truncated.tolist() == [False, True, True]
    assert np.array_equal(batch.ids[1], batch.ids[2])
    assert batch.ids[1, -1] == 1
    assert batch.ids[1, -2] != 1


def test_a_tokenizer_that_lower_cases_is_taken_as_it_is(tmp_path: Path) -> None:
    encoder = read(make_siglip2(tmp_path / "checkpoint", tokenizer="Siglip2Tokenizer"))
    assert not encoder.text.lower_first
    written = write_tokenizer(encoder.text, encoder.tokenizers(), tmp_path / "tokenizer.json")
    assert written.origin == "checkpoint"


def test_padding_before_the_text_is_kept(tmp_path: Path) -> None:
    encoder = read(make_siglip2(tmp_path / "checkpoint", padding_side="left"))
    written = write_tokenizer(encoder.text, encoder.tokenizers(), tmp_path / "tokenizer.json")
    assert written.rules.padding_side == "left"
    assert encoder.text.ids(["a"])[0][-1] == 1


def test_a_tokenizer_without_an_end_of_text_is_refused(tmp_path: Path) -> None:
    encoder = read(make_siglip2(tmp_path / "checkpoint", add_eos_token=False))
    with pytest.raises(ArtefactError, match="its tokenizer appends no end of text; expected 1, got ids"):
        write_tokenizer(encoder.text, encoder.tokenizers(), tmp_path / "tokenizer.json")


def test_siglip_and_siglip2_are_not_taken_for_each_other() -> None:
    with pytest.raises(ArtefactError, match=r"has SigLIP's tokenizer, which drops punctuation; use .* siglip$"):
        read(tiny_checkpoint())
    with pytest.raises(ArtefactError, match=r"has SigLIP2's tokenizer, .*; use framedex-export siglip2"):
        siglip.read(family_checkpoint("siglip2"))


def test_a_tokenizer_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(family_checkpoint("siglip2"), tmp_path / "checkpoint")
    larger = gemma_tokenizer()
    larger.add_tokens(["one more"])
    larger.save_pretrained(folder)
    with pytest.raises(ArtefactError, match="the tokenizer has 701 entries and the model 700"):
        read(folder)
