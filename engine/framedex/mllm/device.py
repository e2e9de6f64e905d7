"""Where and in what numbers an MLLM runs, chosen once, and how much goes through it at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, get_args

import torch

from framedex.errors import UsageError
from framedex.mllm.load import Dtype
from framedex.torch_device import DeviceName, device_label, require_device, require_full_products

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
class Place:
    """A device and a dtype.

    Attributes:
        device: that is there.
        label: of the device, for provenance.
        dtype: of weights and activations.
        limits: to begin with.
    """

    device: torch.device
    label: str
    dtype: Dtype
    limits: Limits

    @classmethod
    def choose(
        cls, device: DeviceName | Literal["auto"], dtype: Dtype | Literal["auto"], limits: Limits | None
    ) -> Self:
        """Resolve "auto": CUDA where torch finds a GPU; bfloat16 there, float32 on the CPU.

        Raises:
            UsageError: an unknown name, or torch was told to round float32 products.
            MissingDependency: CUDA is asked for and this torch has none.
            DeviceError: CUDA is asked for and there is no GPU.
        """
        devices, dtypes = ("auto", *get_args(DeviceName)), ("auto", *get_args(Dtype))
        if device not in devices or dtype not in dtypes:
            raise UsageError(
                f"MLLM: expected device {', '.join(devices)} and dtype {', '.join(dtypes)}; got {device!r} and {dtype!r}"
            )
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        found = require_device(device, needed_by="MLLM on CUDA")
        if dtype == "auto":
            dtype = "bfloat16" if found.type == "cuda" else "float32"
        if dtype == "float32":
            require_full_products("MLLM in float32")
        usual = Limits(frames=32, tokens=16_384) if found.type == "cuda" else Limits()
        return cls(device=found, label=device_label(found), dtype=dtype, limits=limits or usual)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch gave up for lack of memory, the GPU's or the machine's."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
