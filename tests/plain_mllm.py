"""The plain model: transformers' own forward on pixel values and one whole prompt at a time, which ours must equal."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from framedex.mllm.base import Ask, PreparedFrames
from framedex.mllm.prompt import letter_spellings, question_text
from framedex.torch_device import at_most

Inputs = dict[str, torch.Tensor]


@dataclass(frozen=True)
class PlainModel:
    """A checkpoint and how frames are put to its class.

    Attributes:
        folder: of the checkpoint.
        architecture: class in transformers.
        media: frames → (their part of the prompt, the forward's other arguments).
        turn: (media part, what is said) → the whole prompt.
        lead: what stands between the prompt and an option.
        turn_end: token that ends a turn.
    """

    folder: Path
    architecture: str
    media: Callable[[PreparedFrames], tuple[str, Inputs]]
    turn: Callable[[str, str], str]
    lead: str
    turn_end: str

    @property
    def model(self) -> Any:
        return _model(self.folder, self.architecture)

    @property
    def tokenizer(self) -> Tokenizer:
        return _tokenizer(self.folder)

    def inputs(self, ask: Ask) -> tuple[str, Inputs]:
        """The prompt, and the forward's arguments beside its ids."""
        media, arguments = ("", {}) if ask.frames is None else self.media(ask.frames)
        return self.turn(media, question_text(ask.question, ask.options, ask.scoring)), arguments

    @torch.inference_mode()
    def logits(self, ask: Ask, answer: str = "") -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (t, vocabulary) after each token of prompt and answer, and the ids."""
        text, arguments = self.inputs(ask)
        ids = torch.tensor([self.tokenizer.encode(text + answer, add_special_tokens=False).ids])
        with at_most(1):  # the models are tiny: more threads only wait for each other
            output = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), **arguments)
        return output.logits[0].float(), ids[0]

    def option_logprobs(self, ask: Ask) -> list[float]:
        """Each option after the prompt in a forward of its own: the sum over its tokens."""
        prompt = len(self.logits(ask)[1])
        totals = []
        for option in ask.options:
            logits, ids = self.logits(ask, self.lead + option)
            places = torch.arange(prompt, len(ids))
            totals.append(float(logits.log_softmax(-1)[places - 1, ids[places]].sum()))
        return totals

    def letter_logprobs(self, ask: Ask) -> list[float]:
        """Each letter after the prompt, spelt in all ways that are one token."""
        probabilities = self.logits(ask)[0][-1].double().softmax(-1)
        totals = []
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(ask.options)]:
            encoded = [self.tokenizer.encode(way, add_special_tokens=False).ids for way in letter_spellings(letter)]
            ids = {each[0] for each in encoded if len(each) == 1}
            totals.append(float(np.log(sum(float(probabilities[token]) for token in ids))))
        return totals

    @torch.inference_mode()
    def written(self, ask: Ask, *, most: int) -> str:
        """What the plain model's own `generate` writes after the prompt."""
        text, arguments = self.inputs(ask)
        ids = torch.tensor([self.tokenizer.encode(text, add_special_tokens=False).ids])
        ends = self.model.generation_config.eos_token_id
        stops = [self.tokenizer.token_to_id(self.turn_end), *(ends if isinstance(ends, list) else [ends])]
        with at_most(1):
            whole = self.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=most,
                do_sample=False,
                eos_token_id=[stop for stop in stops if stop is not None],
                pad_token_id=0,
                **arguments,
            )
        return str(self.tokenizer.decode(whole[0, ids.shape[1] :].tolist(), skip_special_tokens=True))


@functools.cache
def _tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@functools.cache
def _model(folder: Path, architecture: str) -> Any:
    return getattr(transformers, architecture).from_pretrained(folder, dtype=torch.float32).eval()


def channels_first(frames: PreparedFrames, *, mean: list[float], std: list[float]) -> torch.Tensor:
    """float32 (n, 3, H, W), normalised."""
    unit = np.stack(frames.pixels).astype(np.float64) / 255
    pixels = (unit - np.array(mean)) / np.array(std)
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32))
