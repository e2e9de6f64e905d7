"""Questions to ids: the prompt's own, each option's after it, each letter's spellings, and what cannot be asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from framedex.errors import ArtefactError
from framedex.mllm.base import Answer, Ask, PreparedFrames, Scoring
from framedex.mllm.family import Shown
from framedex.mllm.smolvlm import IMAGE, TEMPLATE, prompt_text, video_text
from framedex.mllm.tokens import Prompt, PromptReader
from smolvlm_checkpoints import SPECIAL, tiny_smolvlm

PATH = tiny_smolvlm() / "tokenizer.json"
PLAIN = Tokenizer.from_file(str(PATH))
IMAGE_ID = SPECIAL.index(IMAGE)
QUESTION, OPTIONS = "What colour is the dog?", ("red", "striped thing", "blue")


def reader(
    path: Path = PATH, *, context: int = 512, image_token_id: int = IMAGE_ID, vocabulary: int = 400
) -> PromptReader:
    return PromptReader(path, TEMPLATE, context=context, placeholder_id=image_token_id, vocabulary=vocabulary)


def put(reader: PromptReader, ask: Ask, scoring: Scoring = "option") -> Prompt | Answer:
    frames, ask = ask.frames, replace(ask, scoring=scoring)
    if frames is None:
        return reader.read(ask, None)
    return reader.read(ask, Shown(text=video_text(frames.times_s.tolist(), frames.duration_s, seq_len=4)))


def blind(question: str = QUESTION, options: tuple[str, ...] = OPTIONS) -> Ask:
    return Ask(frames=None, question=question, options=options)


def seen(n: int) -> Ask:
    frames = PreparedFrames(
        pts_us=np.arange(n, dtype=np.int64),
        times_s=np.arange(n, dtype=np.float64),
        duration_s=60.0,
        pixels=(np.zeros((8, 8, 3), np.uint8),) * n,
    )
    return Ask(frames=frames, question=QUESTION, options=OPTIONS)


def prompt_of(read: Prompt | Answer) -> Prompt:
    assert isinstance(read, Prompt)
    return read


def refusal_of(read: Prompt | Answer) -> Answer:
    assert isinstance(read, Answer)
    assert (read.choice, read.option_logprobs) == (None, ())
    return read


def test_a_prompt_is_the_templates_text_and_an_option_follows_it() -> None:
    read = prompt_of(put(reader(), blind()))
    text = prompt_text(QUESTION, OPTIONS, scoring="option", seq_len=4)
    assert [*read.prefix, *read.suffix] == PLAIN.encode(text).ids
    for option, ids in zip(OPTIONS, read.options, strict=True):
        assert [*read.prefix, *read.suffix, *ids] == PLAIN.encode(f"{text} {option}").ids
    assert read.option_tokens == (1, 2, 1)


def test_every_frame_has_its_placeholders_and_its_time() -> None:
    read = prompt_of(put(reader(), seen(3)))
    assert read.prefix.count(IMAGE_ID) == 3 * 4
    assert read.prefix[-1] == IMAGE_ID
    assert IMAGE_ID not in read.suffix
    assert "Frame from 00:02:" in PLAIN.decode([*read.prefix, *read.suffix])


@pytest.mark.parametrize("scoring", ["option", "letter"])
def test_parts_are_those_of_the_whole_text(scoring: Scoring) -> None:
    one = reader()
    for ask in (seen(1), seen(3), blind(), seen(3), replace(seen(3), question="And now?"), seen(2)):
        read = prompt_of(put(one, ask, scoring))
        frames = ask.frames
        text = prompt_text(
            ask.question,
            ask.options,
            scoring=scoring,
            seq_len=4,
            times_s=None if frames is None else frames.times_s.tolist(),
            duration_s=60.0,
        )
        assert [*read.prefix, *read.suffix] == PLAIN.encode(text, add_special_tokens=False).ids
        assert (IMAGE_ID in read.prefix) == (frames is not None)
        assert IMAGE_ID not in read.suffix


def test_letters_are_all_spellings_of_one_token() -> None:
    read = prompt_of(put(reader(), blind(), "letter"))
    assert read.option_tokens == (1, 1, 1)
    for letter, ids in zip("ABC", read.letters, strict=True):
        spelt = {PLAIN.token_to_id(token) for token in (letter, f"Ġ{letter}", f"({letter}")} - {None}
        assert set(ids) <= spelt
        assert len(ids) >= 2


def test_a_letter_without_a_token_is_refused(tmp_path: Path) -> None:
    vocabulary = json.loads(PATH.read_text())
    letterless = vocabulary["model"]["vocab"]
    for token in ("B", "ĠB", "(B"):
        if token in letterless:
            letterless[f"{token}unused"] = letterless.pop(token)
    vocabulary["model"]["merges"] = [pair for pair in vocabulary["model"]["merges"] if "B" not in "".join(pair)]
    (tmp_path / "tokenizer.json").write_text(json.dumps(vocabulary))
    answer = refusal_of(put(reader(tmp_path / "tokenizer.json"), blind(), "letter"))
    assert (answer.status, answer.status_detail) == (
        "invalid",
        "this model has no token for the letter B; score by option",
    )


@pytest.mark.parametrize(
    ("ask", "detail"),
    [
        (blind(question=f"What is {IMAGE}?"), "holds '<image>'"),
        (blind(options=("red", "<end_of_utterance>")), "holds '<end_of_utterance>'"),
        (blind(options=tuple(map(str, range(27)))), "27 options; a prompt can list 26"),
    ],
)
def test_what_no_prompt_can_hold_is_invalid(ask: Ask, detail: str) -> None:
    answer = refusal_of(put(reader(), ask))
    assert answer.status == "invalid"
    assert detail in answer.status_detail


def test_a_placeholder_is_reserved_even_where_the_file_does_not_mark_it_as_special(tmp_path: Path) -> None:
    fields = json.loads(PATH.read_text())
    for token in fields["added_tokens"]:
        token["special"] = token["content"] != IMAGE
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(fields))
    answer = refusal_of(put(reader(path), blind(question=f"What is {IMAGE}?")))
    assert (answer.status, answer.status_detail) == (
        "invalid",
        "the question or an option holds '<image>', which this model's prompts reserve",
    )


def test_a_prompt_that_just_fits_is_read_and_one_token_less_truncates_it() -> None:
    read = prompt_of(put(reader(), seen(8)))
    whole = len(read) + 2
    assert put(reader(context=whole), seen(8)) == read
    answer = refusal_of(put(reader(context=whole - 1), seen(8)))
    assert (answer.status, answer.prompt_tokens) == ("truncated-prompt", len(read))
    assert f"are {whole} tokens, the model reads {whole - 1}" in answer.status_detail


def test_a_files_own_truncation_and_padding_do_not_count(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(PATH))
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=900)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert put(reader(tmp_path / "tokenizer.json"), blind()) == put(reader(), blind())


def test_a_tokenizer_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"<image> is token \d+, config.json says 77"):
        reader(image_token_id=77)
    with pytest.raises(ArtefactError, match="the model has 50; they are not of one checkpoint"):
        reader(vocabulary=50)
    foreign = tmp_path / "tokenizer.json"
    foreign.write_text(PATH.read_text().replace("<global-img>", "<global>"))
    with pytest.raises(ArtefactError, match="expected <global-img> to be one token"):
        reader(foreign)
    foreign.write_text("{}")
    with pytest.raises(ArtefactError, match="no tokenizer"):
        reader(foreign)
