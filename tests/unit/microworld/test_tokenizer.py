import pytest

from framedex.microworld.things import FILLER_WORDS, THINGS
from framedex.microworld.tokenizer import MAX_TOKENS, captions, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return train_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def test_captions_take_one_piece_a_word(tokenizer):
    assert tokenizer.tokenize(THINGS[1].caption) == ["▁a", "▁red", "▁striped", "▁thing"]


def test_every_caption_fits_and_no_piece_is_unknown(tokenizer):
    for text in captions():
        ids = tokenizer(text)["input_ids"]
        assert len(ids) <= MAX_TOKENS
        assert tokenizer.unk_token_id not in ids


def test_padding_is_the_end_of_sentence(tokenizer):
    ids = tokenizer("red", padding="max_length")["input_ids"]
    assert len(ids) == MAX_TOKENS
    assert ids[1:] == [1] * (MAX_TOKENS - 1)


def test_case_and_punctuation_do_not_count(tokenizer):
    plain = tokenizer("is there a red striped thing")["input_ids"]
    assert tokenizer("Is there a RED, striped thing?")["input_ids"] == plain


def test_unknown_words_are_spelled_and_unknown_characters_are_unknown(tokenizer):
    assert tokenizer.unk_token_id not in tokenizer("xylophones and filler " + FILLER_WORDS[0])["input_ids"]
    assert tokenizer.unk_token_id in tokenizer("é")["input_ids"]
