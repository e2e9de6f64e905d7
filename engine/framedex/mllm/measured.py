"""What a model's parts take of memory, measured, and how much may be worked on at a time so that it fits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np
import torch

from framedex.contracts import Pixels
from framedex.mllm.family import Family
from framedex.mllm.language import POSITIONS, LanguageModel
from framedex.mllm.options import Limits
from framedex.mllm.peak_memory import PeakMemory, peak_memory
from framedex.mllm.reading import TREE_TOKENS
from framedex.mllm.tree import TokenTree

# Of free memory, what a batch may take; the rest is for whatever else runs on a machine, and for pieces that do not fit on a GPU.
_SHARE = {"cpu": 0.5, "cuda": 0.8}
# Of free memory, the most that visual tokens which may yet come into the cache are taken to fill.
_CACHE_SHARE = 0.5

# Frames that are tried: small ones, which some families make larger than large ones, and of usual aspect ratios.
_FRAMES = ((96, 96), (120, 160), (720, 720), (720, 960), (720, 1280), (2160, 3840))
# A prefix, and as many tokens after it. So few that comparing them with each other takes next to nothing.
_ROWS, _ROW_TOKENS = 2, 32
# Queries and keys that are compared, and the masks of a byte a pair that are there meanwhile: the one that is used, and two that
# it was made of.
_QUERIES, _KEYS, _MASKS_NBYTES = (128, 256), (256, 512), 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Bytes of memory that a model works with, its weights left out.

    Attributes:
        frame_nbytes: in the tower, of a frame.
        token_nbytes: in the language model, of a prefix's token and one after it.
        pair_nbytes: of a token that is compared with another.
        position_nbytes: of a distribution over the vocabulary.
        context: tokens that the language model reads at most.
    """

    frame_nbytes: int
    token_nbytes: int
    pair_nbytes: int
    position_nbytes: int
    context: int

    @classmethod
    @torch.inference_mode()
    def of(cls, family: Family, language: LanguageModel, *, context: int, device: torch.device) -> Self:
        """Pass a frame through the tower, and short texts through the language model, and see what that takes.

        Raises:
            RuntimeError: torch failed; memory may be short.
        """
        peak = peak_memory(device)
        frame = _largest_frame(family)
        seen, frame_nbytes = peak.of(lambda: family.tower(frame))
        hidden, read_nbytes = _read(peak, family, language, seen)
        _, position_nbytes = peak.of(lambda: language.logprobs(hidden, [0], [0]))
        return cls(
            frame_nbytes=frame_nbytes,
            token_nbytes=math.ceil(read_nbytes / (_ROWS * _ROW_TOKENS)),
            pair_nbytes=_pair_nbytes(peak, family.language_model),
            position_nbytes=position_nbytes,
            context=context,
        )

    def tower_nbytes(self, frames: int) -> int:
        """What so many frames take at a time, at most."""
        return frames * self.frame_nbytes

    def language_nbytes(self, tokens: int) -> int:
        """What prefixes of so many tokens together, and trees of as many after them, take at a time, at most.

        A row's tokens are compared with those of the same row alone, and no row is longer than the context.
        """
        row, tree = min(tokens, self.context), min(tokens, TREE_TOKENS)
        pairs = max(tokens * row, tree * (row + tree))
        return tokens * self.token_nbytes + pairs * self.pair_nbytes + min(tokens, POSITIONS) * self.position_nbytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Limits, and what they came from.

    Attributes:
        limits: that were chosen.
        most: that a device of this kind is given.
        costs: of the model; None where even they did not fit.
        free_nbytes: of the device.
    """

    limits: Limits
    most: Limits
    costs: Costs | None
    free_nbytes: int

    @classmethod
    def fitting(cls, costs: Costs | None, *, most: Limits, free_nbytes: int, device: torch.device) -> Self:
        """Halve the most that is worked on at a time, frames and tokens each until they fit into a share of free memory.

        By halves: what is free is never the same to the byte, and the limits mostly are.

        Args:
            costs: of the model; None where even they did not fit: one at a time then.
            most: to begin with. On the CPU what its cache may keep is taken off what is free: half of it at most.
            free_nbytes: of the device.
            device: decides the share.
        """
        frames = tokens = 1
        if costs is not None:
            kept = min(most.cache_nbytes, _CACHE_SHARE * free_nbytes) if device.type == "cpu" else 0
            room = _SHARE[device.type] * (free_nbytes - kept)
            frames = next((n for n in _halves(most.frames) if costs.tower_nbytes(n) <= room), 1)
            tokens = next((n for n in _halves(most.tokens) if costs.language_nbytes(n) <= room), 1)
        limits = Limits(frames=frames, tokens=tokens, cache_nbytes=most.cache_nbytes)
        return cls(limits=limits, most=most, costs=costs, free_nbytes=free_nbytes)

    @property
    def trouble(self) -> str:
        """That less is worked on at a time than where memory is plenty, and why; "" where it is not."""
        now, most = self.limits, self.most
        if now == most:
            return ""
        told = (
            f"{_mib(self.free_nbytes)} of memory are free: {now.frames} frames and {now.tokens} tokens at a time "
            f"instead of {most.frames} and {most.tokens}"
        )
        if self.costs is None:
            return told
        return (
            f"{told}, as {most.frames} frames take up to {_mib(self.costs.tower_nbytes(most.frames))} "
            f"and {most.tokens} tokens {_mib(self.costs.language_nbytes(most.tokens))}"
        )


def _largest_frame(family: Family) -> Pixels:
    """One frame as the family makes it, uint8 (1, h, w, 3): the largest of those that are tried."""
    made = (family.resized(np.zeros((1, *size, 3), np.uint8)) for size in _FRAMES)
    return max(made, key=lambda frame: frame.nbytes)


def _read(peak: PeakMemory, family: Family, language: LanguageModel, seen: torch.Tensor) -> tuple[torch.Tensor, int]:
    """A last hidden state, (1, hidden), and the most bytes that reading prefixes, or trees after them, takes.

    One row is a token shorter, so that there is a mask.
    """
    lengths = [_ROW_TOKENS - row for row in range(_ROWS)]
    tokens = seen.flatten(0, 1)
    visual = [tokens[torch.arange(length, device=tokens.device) % len(tokens)] for length in lengths]
    rows = [(family.placeholder_id,) * length for length in lengths]
    prefix, prefix_nbytes = peak.of(lambda: language.prefixes(rows, visual))
    tree = TokenTree()
    tree.add([0] * _ROW_TOKENS)
    hidden, tree_nbytes = peak.of(lambda: language.trees(prefix, [tree] * _ROWS))
    return hidden[0][:1].clone(), max(prefix_nbytes, tree_nbytes)


def _pair_nbytes(peak: PeakMemory, language_model: Any) -> int:
    """What comparing a token with another takes in attention of this model's shape under a mask of one's own.

    Whatever grows with queries, or with keys, falls out of the difference of differences.
    """
    config, weight = language_model.config, next(language_model.parameters())
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads

    def attend(queries: int, keys: int) -> int:
        query, key = (weight.new_zeros(1, heads, n, width) for n in (queries, keys))
        mask = torch.ones(1, 1, queries, keys, dtype=torch.bool, device=weight.device)
        attention = torch.nn.functional.scaled_dot_product_attention
        return peak.of(lambda: attention(query, key, key, attn_mask=mask))[1]

    few, some, others, many = (attend(queries, keys) for queries, keys in product(_QUERIES, _KEYS))
    pairs = (_QUERIES[1] - _QUERIES[0]) * (_KEYS[1] - _KEYS[0])
    return max(0, math.ceil((many - some - others + few) / pairs)) + _MASKS_NBYTES


def _halves(most: int) -> Iterator[int]:
    """The most, half of it, and so on, down to 1."""
    while most > 1:
        yield most
        most //= 2
    yield 1


def _mib(nbytes: int) -> str:
    return f"{nbytes / 2**20:.4g} MiB"
