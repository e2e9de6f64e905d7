"""CLIP checkpoints: what is read, what is refused, and ids equal to the reference's in every position."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from family_checkpoints import CLIP_LENGTH, DIM, IMAGE_SIZE, family_checkpoint, make_clip
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError
from framedex_export.battery import texts
from framedex_export.families.clip import Clip, read
from framedex_export.tokenizer import write_tokenizer


@pytest.fixture(scope="module")
def encoder() -> Clip:
    return read(family_checkpoint("clip"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(family_checkpoint("clip"), tmp_path / "checkpoint")


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_sound_checkpoint_is_read(encoder: Clip) -> None:
    assert (encoder.name, encoder.dim, encoder.logit_bias) == ("clip", DIM, None)
    assert encoder.logit_scale == pytest.approx(np.exp(2.6592))
    rules = encoder.image
    assert (rules.resize, rules.size, rules.shortest_edge) == ("shortest-edge-crop", (IMAGE_SIZE,) * 2, IMAGE_SIZE)
    assert rules.interpolation == "bicubic"
    assert rules.note == "only the middle is seen: 56 % of the width of a 16:9 frame"


def test_the_first_checkpoints_way_of_saying_it_is_read(folder: Path) -> None:
    """Of 2022: other names, sizes as numbers, vocabulary and merges apart, the wrong end of text in config.json."""
    old = {"feature_extractor_type": "CLIPFeatureExtractor", "size": IMAGE_SIZE, "crop_size": IMAGE_SIZE, "resample": 3}
    (folder / "preprocessor_config.json").write_text(json.dumps({**old, "do_center_crop": True, "do_normalize": True}))
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    tokenizer = read(folder).text.tokenizer
    (folder / "vocab.json").write_text(json.dumps(tokenizer.get_vocab()))
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    _edit(folder / "config.json", lambda value: value["text_config"].update(eos_token_id=2))
    encoder, now = read(folder), read(family_checkpoint("clip"))
    assert encoder.image == now.image
    written = write_tokenizer(encoder.text, encoder.tokenizers(), folder / "tokenizer.json")
    assert written.origin == "written from the loaded tokenizer"
    ids = now.text.ids(texts())
    assert np.array_equal(encoder.text.ids(texts()), ids)
    with torch.inference_mode():
        vectors = [each.text_tower()(torch.tensor(ids[:9])) for each in (encoder, now)]
    assert torch.equal(*vectors)


def test_a_larger_edge_than_the_crop_is_kept(tmp_path: Path) -> None:
    rules = read(make_clip(tmp_path, edge=40)).image
    assert (rules.shortest_edge, rules.size) == (40, (IMAGE_SIZE, IMAGE_SIZE))
    assert rules.note == "only the middle is seen: 45 % of the width of a 16:9 frame"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": {"height": 32, "width": 32}}, r"the processor's size is .*, expected a shortest_edge for CLIP"),
        ({"crop_size": {"height": 16, "width": 16}}, "the processor crops to 16x16 and the model takes 32x32"),
        ({"size": {"shortest_edge": 24}}, "rules do not hold: image.shortest_edge: expected 32 or more for a crop"),
        ({"do_center_crop": False}, "do_center_crop is False, expected True"),
        ({"image_processor_type": "SiglipImageProcessor"}, "'CLIPImageProcessor', got 'SiglipImageProcessor'"),
    ],
)
def test_preprocessing_that_is_not_clips_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    _edit(folder / "preprocessor_config.json", lambda value: value.update(change))
    with pytest.raises(ArtefactError, match=message):
        read(folder)


def test_a_model_that_pools_elsewhere_than_the_text_ends_is_refused(folder: Path) -> None:
    _edit(folder / "config.json", lambda value: value["text_config"].update(eos_token_id=7))
    with pytest.raises(ArtefactError, match="the model pools a text at id 7 and the tokenizer ends it with"):
        read(folder)


def test_another_family_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="expected a checkpoint of model_type 'clip', got 'siglip'"):
        read(family_checkpoint("siglip2"))


def test_no_tokenizer_is_said(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ArtefactError, match=r"no tokenizer; expected tokenizer.json or vocab.json \+ merges.txt"):
        read(folder)


@pytest.fixture(scope="module")
def written(encoder: Clip, tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    rules = write_tokenizer(encoder.text, encoder.tokenizers(), path).rules
    tokenizer = encoder.text.tokenizer
    assert (rules.max_length, rules.bos_id, rules.eos_id) == (
        CLIP_LENGTH,
        tokenizer.bos_token_id,
        tokenizer.eos_token_id,
    )
    return TextEncoder(path, rules)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Two RED  dogs, aren't they?", "two red dogs , aren 't they ?"),
        ("CAFÉ 42", "cafÃ© 4 2"),
        ("", ""),
    ],
)
def test_golden_ids(written: TextEncoder, encoder: Clip, text: str, pieces: str) -> None:
    tokenizer = encoder.text.tokenizer
    (row,) = written.encode([text]).ids.tolist()
    assert [row] == encoder.text.ids([text])
    ends = row.index(tokenizer.eos_token_id)
    assert row[0] == tokenizer.bos_token_id
    assert row[ends:] == [tokenizer.eos_token_id] * (CLIP_LENGTH - ends)
    assert "".join(tokenizer.convert_ids_to_tokens(row[1:ends])).replace("</w>", " ").strip() == pieces


# Letters of many scripts, digits, marks and blanks.
_PLAIN = st.text(
    st.one_of(
        st.sampled_from("abc xyz ABC 019 .,;:!?'\"-_()[]{}<>/\\@#$%^&*+=~`| \t\n\u00a0\u3000"),
        st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Po")),
    ),
    max_size=40,
)


@given(_PLAIN)
def test_any_text_gives_the_reference_ids(written: TextEncoder, encoder: Clip, text: str) -> None:
    assert written.encode([text]).ids.tolist() == encoder.text.ids([text])


def test_what_is_too_long_is_cut_at_the_end_of_text_and_flagged(written: TextEncoder, encoder: Clip) -> None:
    fits, cut = " ".join(["dog"] * (CLIP_LENGTH - 2)), " ".join(["dog"] * (CLIP_LENGTH - 1))
    batch = written.encode([fits, cut])
    assert batch.truncated.tolist() == [False, True]
    assert np.array_equal(*batch.ids)
    assert batch.ids[1, -1] == encoder.text.tokenizer.eos_token_id


def test_nothing_after_the_end_of_text_changes_the_vector(encoder: Clip) -> None:
    ids = torch.tensor(encoder.text.ids(["a red dog"])).repeat(2, 1)
    ids[1, -20:] = 5
    with torch.inference_mode():
        one, other = encoder.text_tower()(ids)
    assert torch.equal(one, other)
