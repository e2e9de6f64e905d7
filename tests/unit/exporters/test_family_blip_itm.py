"""BLIP's matching in parts: the vision transformer once per picture, texts padded behind a mask, and transformers' own logits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from framedex.errors import ArtefactError, UsageError
from framedex_export.families.blip_itm import BlipItm, read
from framedex_export.tokenizer import write_tokenizer
from pair_checkpoints import bert_tokenizer, make_blip, pair_checkpoint

TEXTS = ["a red dog", "two cats run on the beach at night with four lights", "a dog " * 60]
TINY_TEXT = {"hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 2, "num_hidden_layers": 1}


@pytest.fixture(scope="module")
def family() -> BlipItm:
    return read(pair_checkpoint("blip-itm"))


def test_padded_texts_give_what_the_whole_model_gives_without_padding(family: BlipItm) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, *family.image.size, 3), np.uint8)
    expected = torch.from_numpy(family.outputs(pixels, TEXTS))
    assert expected.shape == (3, 3)
    assert expected.std(dim=1).min() > 1e-3
    with torch.no_grad():
        features = family.frame_part()(torch.from_numpy(pixels))
        ids = torch.tensor(family.text.ids(TEXTS))
        got = torch.stack([family.pair_part()(features[row : row + 1], ids) for row in range(3)], dim=1)
    assert ids.shape == (3, 35)
    assert (got - expected).abs().max() < 1e-5


def test_the_reference_is_the_processor_and_model_as_transformers_documents_them(family: BlipItm) -> None:
    """A padded batch with the tokenizer's own attention mask; the difference of logits is the softmax's probability."""
    model, tokenizer = family.checkpoint.model, family.checkpoint.tokenizer
    picture = Image.fromarray(np.random.default_rng(2).integers(0, 256, (48, 48, 3), np.uint8))
    values = family.checkpoint.processor(images=[picture] * 2, return_tensors="pt")["pixel_values"]
    words = tokenizer(TEXTS[:2], padding=True, return_tensors="pt")
    with torch.no_grad():
        match = model(
            pixel_values=values, input_ids=words["input_ids"], attention_mask=words["attention_mask"]
        ).itm_score
    got = torch.from_numpy(family.outputs(np.asarray(picture)[np.newaxis], TEXTS[:2]))[:, 0]
    assert (got.sigmoid() - match.softmax(dim=1)[:, 1]).abs().max() < 1e-6


def test_the_ends_of_a_text_are_berts(family: BlipItm, tmp_path: Path) -> None:
    written = write_tokenizer(family.text, family.tokenizers(), tmp_path / "tokenizer.json")
    tokenizer = family.checkpoint.tokenizer
    assert (written.rules.bos_id, written.rules.eos_id, written.rules.pad_id) == (
        tokenizer.convert_tokens_to_ids("[CLS]"),
        tokenizer.convert_tokens_to_ids("[SEP]"),
        tokenizer.convert_tokens_to_ids("[PAD]"),
    )
    assert written.rules.max_length == 35


def test_a_text_begins_with_enc_where_that_is_asked_for(family: BlipItm, tmp_path: Path) -> None:
    """The id behind [DEC], which follows on the tokenizer's last; all else of a text stays as it is."""
    enc = read(pair_checkpoint("blip-itm"), enc=True)
    rows = family.checkpoint.model.config.text_config.vocab_size
    plain, changed = family.text.ids(TEXTS), enc.text.ids(TEXTS)
    assert [ids[1:] for ids in plain] == [ids[1:] for ids in changed]
    assert {ids[0] for ids in changed} == {rows - 1} != {ids[0] for ids in plain}
    written = write_tokenizer(enc.text, enc.tokenizers(), tmp_path / "tokenizer.json")
    assert (written.origin, written.rules.bos_id) == ("written from the loaded tokenizer", None)
    pixels = np.random.default_rng(1).integers(0, 256, (1, *family.image.size, 3), np.uint8)
    assert np.abs(enc.outputs(pixels, TEXTS) - family.outputs(pixels, TEXTS)).max() > 1e-3


def test_without_a_place_for_enc_it_is_refused(tmp_path: Path) -> None:
    folder = make_blip(tmp_path / "c", text={**TINY_TEXT, "vocab_size": len(bert_tokenizer())})
    with pytest.raises(
        ArtefactError, match=r"no \[ENC\]: expected it in the tokenizer, or a model with two entries more"
    ):
        read(folder, enc=True)


def test_words_are_the_users_within_the_models_positions(family: BlipItm) -> None:
    assert read(pair_checkpoint("blip-itm"), words=50).text.max_length == 50
    for words in (2, 65):
        with pytest.raises(UsageError, match=rf"expected 3 to 64 words, got {words}"):
            read(pair_checkpoint("blip-itm"), words=words)


def _changed(tmp_path: Path, file: str, change: Any) -> Path:
    folder = Path(shutil.copytree(pair_checkpoint("blip-itm"), tmp_path / "checkpoint"))
    value = json.loads((folder / file).read_text())
    change(value)
    (folder / file).write_text(json.dumps(value))
    return folder


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("config.json", lambda value: value.update(model_type="blip-2"), "expected a checkpoint of model_type 'blip'"),
        (
            "preprocessor_config.json",
            lambda value: value.update(size={"height": 64, "width": 64}),
            "the processor's size is .* and the model takes 48x48",
        ),
        ("config.json", lambda value: value["text_config"].update(vocab_size=90), "its weights do not load: "),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, file: str, change: Any, message: str) -> None:
    with pytest.raises(ArtefactError, match=message):
        read(_changed(tmp_path, file, change))


def test_a_captioning_checkpoint_is_refused(tmp_path: Path) -> None:
    """Of another head: its weights are unknown, and the matching head's are missing."""
    from transformers import BlipForConditionalGeneration

    folder = Path(shutil.copytree(pair_checkpoint("blip-itm"), tmp_path / "checkpoint"))
    config = read(folder).checkpoint.model.config
    torch.manual_seed(0)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    with pytest.raises(ArtefactError, match=r"weights and config.json are not of one model: .* missing keys"):
        read(folder)
