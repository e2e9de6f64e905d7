"""A checkpoint's tokenizer: questions to prompt ids, and the ids of each way to answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from framedex.errors import ArtefactError
from framedex.mllm.base import Answer, Ask, Scoring
from framedex.mllm.prompt import (
    ANSWER_CUE,
    FRAME_EDGE,
    IMAGE,
    LETTERS,
    TURN_END,
    TURN_START,
    WHOLE_FRAME,
    answer_text,
    letter_spellings,
    prompt_text,
)

Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question as the model reads it.

    Attributes:
        ids: of the prompt, visual placeholders included.
        options: for each option its answer's token ids, one or more, for "option" scoring; () with "letter".
        letters: for each option the ids of its letter's spellings, one or more, for "letter" scoring; () with "option".
    """

    ids: Ids
    options: tuple[Ids, ...] = ()
    letters: tuple[Ids, ...] = ()

    @property
    def option_tokens(self) -> Ids:
        """Tokens of each answer: a letter's is one."""
        return tuple(map(len, self.options)) if self.options else (1,) * len(self.letters)


class PromptReader:
    """A `tokenizer.json` with SmolVLM's special tokens.

    It is read by the `tokenizers` library itself: transformers rebuilds some of its parts by the tokenizer's class.

    Args:
        path: the tokenizer.json.
        seq_len: visual tokens of a frame.
        context: tokens that the model reads at most.
        image_token_id: what config.json says of it.
        vocabulary: entries of the model.

    Raises:
        ArtefactError: no tokenizer, or not one of this checkpoint.
    """

    def __init__(self, path: Path, *, seq_len: int, context: int, image_token_id: int, vocabulary: int) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ArtefactError(f"{path}: no tokenizer ({error})") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._seq_len = seq_len
        self._context = context
        for token in (TURN_START, TURN_END, IMAGE, FRAME_EDGE, WHOLE_FRAME):
            if len(self._encode(token)) != 1:
                raise ArtefactError(f"{path}: expected {token} to be one token; use a SmolVLM checkpoint's tokenizer")
        if self._tokenizer.token_to_id(IMAGE) != image_token_id:
            raise ArtefactError(
                f"{path}: {IMAGE} is token {self._tokenizer.token_to_id(IMAGE)}, "
                f"config.json says {image_token_id}; they are not of one checkpoint"
            )
        size = self._tokenizer.get_vocab_size()
        if size > vocabulary:
            raise ArtefactError(f"{path}: {size} entries, the model has {vocabulary}; they are not of one checkpoint")
        self._special = tuple(
            token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special
        )
        self._cue = self._encode(ANSWER_CUE)

    @property
    def pad_id(self) -> int:
        """A token that stands for nothing where it is masked, and is not the image's."""
        return self._encode(TURN_END)[0]

    def read(self, ask: Ask, scoring: Scoring) -> Prompt | Answer:
        """The prompt of a question, or the answer that says why it cannot be put to this model."""
        foreign = [token for token in self._special if any(token in text for text in (ask.question, *ask.options))]
        if foreign:
            return _refused(f"the question or an option holds {foreign[0]!r}, which this model's prompts reserve")
        if len(ask.options) > len(LETTERS):
            return _refused(f"{len(ask.options)} options; a prompt can list {len(LETTERS)} by letter")
        ids = self._encode(
            prompt_text(
                ask.question,
                ask.options,
                scoring=scoring,
                seq_len=self._seq_len,
                times_s=None if ask.frames is None else ask.frames.times_s.tolist(),
                duration_s=0.0 if ask.frames is None else ask.frames.duration_s,
            )
        )
        if scoring == "letter":
            letters = tuple(map(self._spellings, LETTERS[: len(ask.options)]))
            if not all(letters):
                missing = LETTERS[letters.index(())]
                return _refused(f"this model has no token for the letter {missing}; score by option")
            read = Prompt(ids=ids, letters=letters)
        else:
            read = Prompt(ids=ids, options=tuple(map(self._answer, ask.options)))
            if not all(read.options):
                return _refused(f"option {read.options.index(())} has no token in this model's vocabulary")
        longest = len(ids) + max(read.option_tokens)
        if longest > self._context:
            detail = f"the prompt and its longest option are {longest} tokens, the model reads {self._context}"
            return Answer(
                choice=None,
                option_logprobs=(),
                option_tokens=(),
                prompt_tokens=len(ids),
                status="truncated-prompt",
                status_detail=f"{detail}; show it fewer frames",
            )
        return read

    def _encode(self, text: str) -> Ids:
        # The template writes its own special tokens; what the tokenizer would add at the ends has no place in it.
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _answer(self, option: str) -> Ids:
        """The ids that follow the prompt's."""
        whole = self._encode(ANSWER_CUE + answer_text(option))
        if whole[: len(self._cue)] == self._cue:
            return whole[len(self._cue) :]
        # The tokenizer merges the answer into the cue: read it on its own, as generation would produce it.
        return self._encode(answer_text(option))

    def _spellings(self, letter: str) -> Ids:
        """The different ids of the letter's spellings that are one token."""
        found = set()
        for spelling in letter_spellings(letter):
            ids = self._encode(spelling)
            # One id may also be what is left of a spelling whose letter the vocabulary does not have.
            if len(ids) == 1 and self._tokenizer.decode(list(ids)).strip() == spelling.strip():
                found.add(ids[0])
        return tuple(sorted(found))


def _refused(detail: str) -> Answer:
    return Answer(
        choice=None, option_logprobs=(), option_tokens=(), prompt_tokens=0, status="invalid", status_detail=detail
    )
