"""A checkpoint's tokenizer: questions to prompt ids, and the ids of each way to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from framedex.errors import ArtefactError
from framedex.mllm.base import Answer, Ask
from framedex.mllm.family import Shown, Template
from framedex.mllm.prompt import LETTERS, letter_spellings, question_text

Ids = tuple[int, ...]

#: A model that writes its answer writes so many tokens at most.
WRITTEN_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question as the model reads it.

    Attributes:
        prefix: ids up to the last visual placeholder, the same for all questions about a set of frames; () without frames.
        suffix: the ids after it, one or more.
        options: for each option its answer's token ids, one or more, for "option" scoring; () with "letter".
        letters: for each option the ids of its letter's spellings, one or more, for "letter" and "generate" scoring; () with
            "option", and with "generate" where a letter has no token.
        writes: whether the model writes its answer.
    """

    prefix: Ids
    suffix: Ids
    options: tuple[Ids, ...] = ()
    letters: tuple[Ids, ...] = ()
    writes: bool = False

    def __len__(self) -> int:
        return len(self.prefix) + len(self.suffix)

    @property
    def option_tokens(self) -> Ids:
        """Tokens of each answer: a letter's is one."""
        return tuple(map(len, self.options)) if self.options else (1,) * len(self.letters)


class PromptReader:
    """A `tokenizer.json` with a family's special tokens.

    It is read by the `tokenizers` library itself: transformers rebuilds some of its parts by the tokenizer's class.

    Args:
        path: the tokenizer.json.
        template: the family's.
        context: tokens that the model reads at most.
        placeholder_id: what config.json says of it.
        vocabulary: entries of the model.
        unwritable: why this model cannot write its answers; "" where it can.

    Raises:
        ArtefactError: no tokenizer, or not one of this checkpoint.
    """

    def __init__(
        self,
        path: Path,
        template: Template,
        *,
        context: int,
        placeholder_id: int,
        vocabulary: int,
        unwritable: str = "",
    ) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ArtefactError(f"{path}: no tokenizer ({error})") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._template = template
        self._context = context
        self._unwritable = unwritable
        for token in template.special:
            if len(self._encode(token)) != 1:
                raise ArtefactError(
                    f"{path}: expected {token} to be one token; use the tokenizer of a checkpoint of this kind"
                )
        found = self._tokenizer.token_to_id(template.placeholder)
        if found != placeholder_id:
            raise ArtefactError(
                f"{path}: {template.placeholder} is token {found}, "
                f"config.json says {placeholder_id}; they are not of one checkpoint"
            )
        size = self._tokenizer.get_vocab_size()
        if size > vocabulary:
            raise ArtefactError(f"{path}: {size} entries, the model has {vocabulary}; they are not of one checkpoint")
        added = self._tokenizer.get_added_tokens_decoder().values()
        # The template's own, too: a file need not mark them as special.
        self._special = tuple(dict.fromkeys((*template.special, *(token.content for token in added if token.special))))
        self._cue = self._encode(template.cue)
        self._last_head: tuple[str, Ids] = ("", ())

    @property
    def turn_end_id(self) -> int:
        """The token that ends a turn; where it is masked it stands for nothing."""
        return self._encode(self._template.turn_end)[0]

    def text(self, ids: Sequence[int]) -> str:
        """What ids say, special tokens left out."""
        said: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return said

    def read(self, ask: Ask, shown: Shown | None) -> Prompt | Answer:
        """The prompt of a question, or the answer that says why it cannot be put to this model.

        Args:
            ask: the question.
            shown: its frames as the family writes them; None for no frames.
        """
        foreign = [token for token in self._special if any(token in text for text in (ask.question, *ask.options))]
        if foreign:
            return _refused(f"the question or an option holds {foreign[0]!r}, which this model's prompts reserve")
        if ask.scoring == "generate" and self._unwritable:
            return _refused(self._unwritable)
        if len(ask.options) > len(LETTERS):
            return _refused(f"{len(ask.options)} options; a prompt can list {len(LETTERS)} by letter")
        said = question_text(ask.question, ask.options, ask.scoring)
        prefix, suffix = self._parts(self._template.turn("" if shown is None else shown.text, said))
        if ask.scoring != "option":
            letters = tuple(map(self._spellings, LETTERS[: len(ask.options)]))
            if ask.scoring == "generate":
                read = Prompt(prefix=prefix, suffix=suffix, letters=letters if all(letters) else (), writes=True)
            elif all(letters):
                read = Prompt(prefix=prefix, suffix=suffix, letters=letters)
            else:
                missing = LETTERS[letters.index(())]
                return _refused(f"this model has no token for the letter {missing}; score by option")
        else:
            read = Prompt(prefix=prefix, suffix=suffix, options=tuple(map(self._answer, ask.options)))
            if not all(read.options):
                return _refused(f"option {read.options.index(())} has no token in this model's vocabulary")
        longest = len(prefix) + len(suffix) + (WRITTEN_TOKENS if read.writes else max(read.option_tokens))
        if longest > self._context:
            follows = "what may be written" if read.writes else "its longest option"
            detail = f"the prompt and {follows} are {longest} tokens, the model reads {self._context}"
            return Answer(
                choice=None,
                option_logprobs=(),
                option_tokens=(),
                prompt_tokens=len(prefix) + len(suffix),
                status="truncated-prompt",
                status_detail=f"{detail}; show it fewer frames",
            )
        return read

    def _parts(self, text: str) -> tuple[Ids, Ids]:
        """The ids of a prompt up to its last placeholder, and after it.

        A special token ends what the tokenizer looks at together, so the two can be encoded apart; the first is the longer, and
        the same from one question to the next.
        """
        placeholder = self._template.placeholder
        head, found, tail = text.rpartition(placeholder)
        if not found:
            return (), self._encode(text)
        head += placeholder
        if head != self._last_head[0]:
            self._last_head = (head, self._encode(head))
        # After a placeholder here, too: some tokenizers treat the beginning of a text in a way of its own.
        return self._last_head[1], self._encode(placeholder + tail)[1:]

    def _encode(self, text: str) -> Ids:
        # The template writes its own special tokens; what the tokenizer would add at the ends has no place in it.
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _answer(self, option: str) -> Ids:
        """The ids that follow the prompt's."""
        text = self._template.answer(option)
        whole = self._encode(self._template.cue + text)
        if whole[: len(self._cue)] == self._cue:
            return whole[len(self._cue) :]
        # The tokenizer merges the answer into the cue: read it on its own, as generation would produce it.
        return self._encode(text)

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
