"""Training rows: some frames of a story, then several questions about them that do not see each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import TokenizersBackend

from framedex.microworld.smolvlm.stories import FRAMES_PER_STORY, Story
from framedex.microworld.smolvlm.turns import Turn, both_orders, draw_turns, draw_unseen_turns
from framedex.mllm.smolvlm import FRAME_EDGE, TURN_END, answer_text, frame_text, prompt_text

_DURATION_S = (8.0, 40.0)
# Of the rows without a contested question, this share is kept.
_EASY_RATE = 0.3
_NO_LABEL = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where a question of a row is answered.

    Attributes:
        place: the position whose next token is the answer's first.
        options: the first token of each option.
        gold: which of them is right.
        contested: as of its turn.
    """

    place: int
    options: list[int]
    gold: int
    contested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """One row of tokens, and the turn that each belongs to; grows while it is drawn.

    Attributes:
        tokens: (frames, patches, width) float16 tower output.
        ids: the frames' part of the prompt, then each question with its answer.
        branch: 0 for the frames' part, which all see, then 1, 2, … for the questions.
        places: position ids; every question follows the frames directly.
        labels: the token to come where it is part of an answer, else -100.
        choices: of the questions with options.
    """

    tokens: Tensor
    ids: list[int] = field(default_factory=list)
    branch: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)

    def extend(self, ids: Sequence[int], *, branch: int, first_place: int, labels: Sequence[int]) -> None:
        """Append tokens of one branch."""
        self.ids.extend(ids)
        self.branch.extend([branch] * len(ids))
        self.places.extend(range(first_place, first_place + len(ids)))
        self.labels.extend(labels)


def draw_row(
    story: Story, n_frames: int, *, tokenizer: TokenizersBackend, seq_len: int, rng: np.random.Generator
) -> TrainingRow | None:
    """Draw frames and what is asked of them; None where they answer nothing."""
    frames = np.sort(rng.permutation(FRAMES_PER_STORY)[:n_frames])
    turns = draw_turns(story, story.seen(frames), rng)
    if not any(turn.contested for turn in turns) and rng.random() >= _EASY_RATE:
        return None
    return _prompted_row(story, frames, turns, tokenizer=tokenizer, seq_len=seq_len, rng=rng) if turns else None


def draw_unseen_row(
    story: Story, n_frames: int, *, tokenizer: TokenizersBackend, seq_len: int, rng: np.random.Generator
) -> TrainingRow | None:
    """Draw questions and at most so many frames, 0 for no video, that do not answer them; None where all are answered.

    From such rows the model learns to spread its belief over the options where it has not seen.
    """
    hidden = story.things[rng.integers(len(story.things))]
    without = [frame for frame, shown in enumerate(story.shown) if hidden not in shown]
    frames = np.sort(rng.permutation(without)[:n_frames]).astype(np.int64)
    turns = draw_unseen_turns(story, story.seen(frames), rng)
    return _prompted_row(story, frames, turns, tokenizer=tokenizer, seq_len=seq_len, rng=rng) if turns else None


def _prompted_row(
    story: Story,
    frames: NDArray[np.int64],
    turns: Sequence[Turn],
    *,
    tokenizer: TokenizersBackend,
    seq_len: int,
    rng: np.random.Generator,
) -> TrainingRow:
    duration_s = float(rng.uniform(*_DURATION_S))
    times_s = np.sort(rng.random(len(frames)) * duration_s).tolist()
    row = TrainingRow(tokens=story.tokens[frames])
    for number, turn in enumerate(turns, start=1):
        _append(row, number, turn, times_s, duration_s, tokenizer, seq_len)
    return row


def draw_caption_row(
    story: Story, *, tokenizer: TokenizersBackend, seq_len: int, rng: np.random.Generator
) -> TrainingRow | None:
    """Draw one frame without any prompt, and name each thing in it by two words; None where it shows none.

    Only the second word is learnt: to say it is to find where in the frame the first one is.
    """
    frame = int(rng.integers(FRAMES_PER_STORY))
    if not story.shown[frame]:
        return None
    row = TrainingRow(tokens=story.tokens[frame : frame + 1])
    shared: list[int] = tokenizer(frame_text(seq_len))["input_ids"]
    row.extend(shared, branch=0, first_place=0, labels=[_NO_LABEL] * len(shared))
    captions = [words for thing in story.things if thing in story.shown[frame] for words in both_orders(thing)]
    for number, words in enumerate(captions, start=1):
        own: list[int] = tokenizer(answer_text(words) + TURN_END)["input_ids"]
        row.extend(own, branch=number, first_place=len(shared), labels=[*own[1:], _NO_LABEL])
    return row


def _append(
    row: TrainingRow,
    number: int,
    turn: Turn,
    times_s: Sequence[float],
    duration_s: float,
    tokenizer: TokenizersBackend,
    seq_len: int,
) -> None:
    # The whole prompt is encoded for each question, so that it is cut into tokens as when it is put alone.
    text = prompt_text(
        turn.question, turn.options, scoring="option", seq_len=seq_len, times_s=times_s or None, duration_s=duration_s
    )
    prompt: list[int] = tokenizer(text)["input_ids"]
    answer: list[int] = tokenizer(answer_text(turn.answer) + TURN_END)["input_ids"]
    edge = tokenizer.convert_tokens_to_ids(FRAME_EDGE)
    n_shared = len(prompt) - prompt[::-1].index(edge) if times_s else 0
    if not row.ids:
        row.extend(prompt[:n_shared], branch=0, first_place=0, labels=[_NO_LABEL] * n_shared)
    own = prompt[n_shared:]
    if turn.options:
        row.choices.append(
            Choice(
                place=len(row.ids) + len(own) - 1,
                options=[tokenizer(answer_text(option))["input_ids"][0] for option in turn.options],
                gold=turn.options.index(turn.answer),
                contested=turn.contested,
            )
        )
    labels = [_NO_LABEL] * (len(own) - 1) + answer + [_NO_LABEL]
    row.extend([*own, *answer], branch=number, first_place=n_shared, labels=labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingBatch:
    """Rows of one length, padded on the right.

    Attributes:
        ids: (b, n) int64.
        places: (b, n) int64.
        visible: (b, 1, n, n) bool: which position sees which.
        labels: (b, n) int64, the next token of an answer, else -100.
        tokens: (frames, patches, width) float32 of all rows, in order.
        choices: (row, choice) of each question with options.
    """

    ids: Tensor
    places: Tensor
    visible: Tensor
    labels: Tensor
    tokens: Tensor
    choices: tuple[tuple[int, Choice], ...]


def collate(rows: Sequence[TrainingRow], *, pad_id: int) -> TrainingBatch:
    """Put rows together."""
    n = max(len(row.ids) for row in rows)
    branch = _padded([row.branch for row in rows], n, -1)
    earlier = torch.ones(n, n, dtype=torch.bool).tril()
    same, shared = branch[:, :, None] == branch[:, None, :], branch[:, None, :] == 0
    return TrainingBatch(
        ids=_padded([row.ids for row in rows], n, pad_id),
        places=_padded([row.places for row in rows], n, 0),
        visible=((same | shared) & earlier)[:, None],
        labels=_padded([row.labels for row in rows], n, _NO_LABEL),
        tokens=torch.cat([row.tokens for row in rows]).float(),
        choices=tuple((number, choice) for number, row in enumerate(rows) for choice in row.choices),
    )


def _padded(rows: Sequence[list[int]], n: int, fill: int) -> Tensor:
    return torch.tensor([row + [fill] * (n - len(row)) for row in rows])
