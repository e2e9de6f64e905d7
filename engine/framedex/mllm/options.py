"""How an MLLM is loaded and run; nothing of it changes what it answers but the dtype."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from framedex.errors import UsageError

DeviceChoice = Literal["auto", "cpu", "cuda"]
Dtype = Literal["float32", "bfloat16", "float16"]
DtypeChoice = Literal["auto", "float32", "bfloat16", "float16"]

_NBYTES_OF_TOKENS = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is worked on at a time; answers do not depend on it.

    Attributes:
        frames: in the tower.
        tokens: in a forward of the language model; one set of frames, or one question, may have more.
        cache_nbytes: of visual tokens kept in memory.
    """

    frames: int = 8
    tokens: int = 1024
    cache_nbytes: int = _NBYTES_OF_TOKENS

    def __post_init__(self) -> None:
        if self.frames < 1 or self.tokens < 1 or self.cache_nbytes < 0:
            raise UsageError(
                "MLLM: expected frames and tokens at a time of 1 or more and a cache of 0 bytes or more, "
                f"got {self.frames}, {self.tokens} and {self.cache_nbytes}"
            )

    def halved(self) -> Self | None:
        """Half of each; None where nothing is left to halve."""
        if self.frames == self.tokens == 1:
            return None
        return type(self)(
            frames=max(1, self.frames // 2), tokens=max(1, self.tokens // 2), cache_nbytes=self.cache_nbytes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """What `load_runner` may be told.

    Attributes:
        device: "auto" takes CUDA where torch finds a GPU.
        dtype: of weights and activations; "auto" takes bfloat16 on CUDA and float32 on the CPU. Log-probabilities are taken in
            float32.
        limits: how much is worked on at a time; None for what suits the device and its free memory.
        cache_nbytes: of visual tokens kept in memory, in place of the limits' own; None for theirs.
        token_folder: where visual tokens are kept for other runs; None keeps them in memory alone.
        fetch: whether a checkpoint of the Hugging Face hub may be fetched; else it must be in the local cache.
    """

    device: DeviceChoice = "auto"
    dtype: DtypeChoice = "auto"
    limits: Limits | None = None
    cache_nbytes: int | None = None
    token_folder: Path | None = None
    fetch: bool = False
