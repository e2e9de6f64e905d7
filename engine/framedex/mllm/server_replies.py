"""What a server answered: the words, how likely each letter was, and how long the prompt.

Source: the response of chat completions in the OpenAI API reference (`choices[].message.content`,
`choices[].logprobs.content[].top_logprobs[]` with `token` and `logprob`, `usage`), which vLLM and SGLang follow. vLLM adds
`return_tokens_as_token_ids`, by which a token reads "token_id:32".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framedex.mllm.prompt import LETTERS, letter_spellings

_TOKEN_ID = "token_id:"  # noqa: S105 - no secret

#: Of which a record has room: 32 bits with a sign.
_MOST_TOKENS = 2**31 - 1
#: By which a probability of 1 may be passed where a server sums in half precision.
_ROUNDING = 0.01


class UnexpectedReply(Exception):
    """A reply that is none of a chat completion; says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A chat completion.

    Attributes:
        text: what the model wrote.
        prompt_tokens: 0 where the server did not say.
        likely: token → natural log of its probability, of the first token written; empty where the server gave none.
    """

    text: str
    prompt_tokens: int
    likely: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterScores:
    """How likely each letter is.

    Attributes:
        logprobs: of each option's letter, all spellings of it that the server gave added; of a letter of which it gave none
            the least that it gave of any token, which the letter's spellings are at most.
        unknown: the letters of which it gave none.
    """

    logprobs: tuple[float, ...]
    unknown: tuple[str, ...]


def read_reply(value: Any) -> Reply:
    """Read a response's JSON.

    Raises:
        UnexpectedReply: it is no chat completion.
    """
    try:
        choice = value["choices"][0]
        text = choice["message"].get("content") or ""
        logprobs = choice.get("logprobs") or {}
        tokens = logprobs.get("content") or []
        likely = _likely(tokens[0]) if tokens else {}
        prompt_tokens = int((value.get("usage") or {}).get("prompt_tokens") or 0)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise UnexpectedReply(
            f"expected a chat completion with choices[0].message, got {str(value)[:200]!r}"
        ) from error
    if not isinstance(text, str):
        raise UnexpectedReply(f"expected a text in choices[0].message.content, got {str(text)[:200]!r}")
    if not 0 <= prompt_tokens <= _MOST_TOKENS:
        raise UnexpectedReply(f"expected usage.prompt_tokens of 0 to {_MOST_TOKENS}, got {prompt_tokens}")
    return Reply(text=text, prompt_tokens=prompt_tokens, likely=likely)


def letter_scores(
    likely: Mapping[str, float], n: int, ids: Mapping[str, Sequence[int]] | None = None
) -> LetterScores | None:
    """The letters of n options among the likely tokens; None where none of them is there.

    Args:
        likely: token → log-probability.
        n: of the options, 26 at most.
        ids: letter → ids of its spellings, where tokens are named by id; None where they are texts.
    """
    found: dict[str, float] = {}
    for letter in LETTERS[:n]:
        names = letter_spellings(letter) if ids is None else [f"{_TOKEN_ID}{number}" for number in ids[letter]]
        given = [likely[name] for name in names if name in likely]
        if given:
            found[letter] = float(np.logaddexp.reduce(given))
    if not found:
        return None
    least = min(likely.values())
    return LetterScores(
        logprobs=tuple(found.get(letter, least) for letter in LETTERS[:n]),
        unknown=tuple(letter for letter in LETTERS[:n] if letter not in found),
    )


def _likely(first: Any) -> dict[str, float]:
    """Tokens by name, the one that was written among them; the first of several by one name counts."""
    likely: dict[str, float] = {}
    for each in [*(first.get("top_logprobs") or []), first]:
        logprob = float(each["logprob"])
        if not isinstance(each["token"], str) or not -math.inf < logprob <= _ROUNDING:
            raise UnexpectedReply(f"expected tokens with finite log-probabilities, 0 or less, got {str(each)[:200]!r}")
        likely.setdefault(each["token"], logprob)
    return likely
