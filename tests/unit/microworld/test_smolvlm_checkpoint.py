import pytest
import torch
from transformers import AutoTokenizer, SmolVLMForConditionalGeneration, SmolVLMImageProcessorPil
from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE

from framedex.microworld.smolvlm.checkpoint import save_checkpoint
from framedex.mllm import load_runner
from framedex.mllm.base import Ask


@pytest.fixture(scope="module")
def folder(tmp_path_factory, untrained, smol_tokenizer):
    path = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(untrained, smol_tokenizer, path)
    return path


def test_saving_and_loading_keeps_the_weights(folder, untrained):
    loaded = SmolVLMForConditionalGeneration.from_pretrained(folder)
    assert type(loaded) is SmolVLMForConditionalGeneration
    for name, value in untrained.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])


def test_transformers_finds_tokenizer_and_processor(folder, smol_tokenizer):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "<|im_start|>User: What colour is the red thing?<end_of_utterance>"
    assert tokenizer(text)["input_ids"] == smol_tokenizer(text)["input_ids"]
    assert (tokenizer.image_token, tokenizer.padding_side) == ("<image>", "left")
    assert SmolVLMImageProcessorPil.from_pretrained(folder).max_image_size == {"longest_edge": 48}


def test_the_chat_template_says_what_smolvlms_own_says(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    video = [{"type": "video"}, {"type": "text", "text": "Which?"}]
    talk = [
        {"role": "user", "content": video},
        {"role": "assistant", "content": [{"type": "text", "text": "red"}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "  And \n this?"}]},
    ]
    for ask in (True, False):
        ours, theirs = (
            tokenizer.apply_chat_template(talk, chat_template=template, tokenize=False, add_generation_prompt=ask)
            for template in (None, DEFAULT_CHAT_TEMPLATE)
        )
        assert ours == theirs


def test_the_runner_takes_it(folder):
    with load_runner(folder, threads=1) as runner:
        (answer,) = runner.answer([Ask(frames=None, question="Which?", options=("red", "blue"))])
    assert answer.status == "ok"
    assert answer.option_tokens == (1, 1)
