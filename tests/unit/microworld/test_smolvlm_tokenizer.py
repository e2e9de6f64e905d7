import pytest
from num2words import num2words

from framedex.microworld.things import COLOURS, TEXTURES
from framedex.mllm.smolvlm import FRAME_EDGE, IMAGE, TURN_END, TURN_START, WHOLE_FRAME, answer_text


@pytest.mark.parametrize("token", [FRAME_EDGE, IMAGE, TURN_END, TURN_START, WHOLE_FRAME, "<video>"])
def test_smolvlms_special_tokens_are_one_token_each(smol_tokenizer, token):
    ids = smol_tokenizer(token)["input_ids"]
    assert len(ids) == 1
    assert smol_tokenizer.decode(ids) == token
    assert smol_tokenizer.decode(ids, skip_special_tokens=True) == ""


@pytest.mark.parametrize("word", [*COLOURS, *TEXTURES, *map(num2words, range(1, 9))])
def test_a_word_is_the_same_token_in_a_list_of_options_and_as_an_answer(smol_tokenizer, word):
    (answer,) = smol_tokenizer(answer_text(word))["input_ids"]
    assert answer in smol_tokenizer(f"A. {word}\n")["input_ids"]


@pytest.mark.parametrize("text", ["Zebra? 7:08 — naïve 你好 🎬", "  two  spaces\n\n\tand a tab"])
def test_any_text_survives(smol_tokenizer, text):
    assert smol_tokenizer.decode(smol_tokenizer(text)["input_ids"]) == text
