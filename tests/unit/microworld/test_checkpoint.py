import json

import pytest
import torch
from safetensors import safe_open
from transformers import AutoTokenizer, SiglipModel

from framedex.errors import ArtefactError
from framedex.microworld.checkpoint import BUNDLED, load_checkpoint, save_checkpoint
from framedex.microworld.model import build_model
from framedex.microworld.tokenizer import train_tokenizer


def test_the_bundled_weights_are_small_and_fp16():
    with safe_open(BUNDLED / "model.safetensors", framework="pt") as weights:
        tensors = [weights.get_tensor(name) for name in weights.keys()]  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors} == {torch.float16}
    assert sum(tensor.numel() for tensor in tensors) <= 1_000_000


def test_the_bundled_checkpoint_is_a_siglip_model_with_its_tokenizer():
    model, tokenizer, processor = load_checkpoint(BUNDLED)
    assert type(model) is SiglipModel
    assert model.config.text_config.vocab_size == tokenizer.vocab_size
    assert (processor.size["height"], processor.size["width"]) == (48, 48)
    assert type(AutoTokenizer.from_pretrained(BUNDLED)) is type(tokenizer)


def test_the_bundled_training_reached_its_bar():
    training = json.loads((BUNDLED / "training.json").read_text())
    assert training["held_out"]["at_1"] >= 0.85
    assert training["probe"]["recall_saved"] == training["probe"]["recall_float32"]


def test_saving_and_loading_keeps_the_weights(tmp_path):
    tokenizer = train_tokenizer(tmp_path)
    model = build_model(vocab_size=tokenizer.vocab_size)
    save_checkpoint(model, tokenizer, tmp_path)
    loaded, _, _ = load_checkpoint(tmp_path)
    for name, value in model.state_dict().items():
        assert torch.equal(value.float(), loaded.state_dict()[name])


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(ArtefactError, match="expected a checkpoint folder"):
        load_checkpoint(tmp_path)
