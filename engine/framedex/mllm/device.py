"""Where and in what numbers an MLLM runs, chosen once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, get_args

import torch

from framedex.errors import UsageError
from framedex.mllm.options import DeviceChoice, Dtype, DtypeChoice, Limits, RunnerOptions
from framedex.torch_device import device_label, require_device, require_full_products

# Beyond these, batches are not known to get faster; on CUDA that was never measured.
_MOST = {"cpu": Limits(), "cuda": Limits(frames=256, tokens=131_072)}
# What torch's allocator says, and the system.
_SHORT = ("can't allocate memory", "Cannot allocate memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A device and a dtype.

    Attributes:
        device: that is there.
        label: of the device, for provenance.
        dtype: of weights and activations.
        limits: as told, or the most that such a device is given.
        told: whether they were; else memory has a say in them.
    """

    device: torch.device
    label: str
    dtype: Dtype
    limits: Limits
    told: bool

    @classmethod
    def choose(cls, options: RunnerOptions) -> Self:
        """Resolve "auto": CUDA where torch finds a GPU; bfloat16 there, float32 on the CPU.

        Raises:
            UsageError: an unknown name, a cache of fewer than 0 bytes, or torch was told to round float32 products.
            MissingDependency: CUDA is asked for and this torch has none.
            DeviceError: CUDA is asked for and there is no GPU.
        """
        device, dtype = options.device, options.dtype
        if device not in get_args(DeviceChoice) or dtype not in get_args(DtypeChoice):
            raise UsageError(
                f"MLLM: expected device {', '.join(get_args(DeviceChoice))} and dtype {', '.join(get_args(DtypeChoice))}; "
                f"got {device!r} and {dtype!r}"
            )
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        found = require_device(device, needed_by="MLLM on CUDA")
        if dtype == "auto":
            dtype = "bfloat16" if found.type == "cuda" else "float32"
        if dtype == "float32":
            require_full_products("MLLM in float32")
        limits = options.limits or _MOST[found.type]
        if options.cache_nbytes is not None:
            limits = replace(limits, cache_nbytes=options.cache_nbytes)
        return cls(device=found, label=device_label(found), dtype=dtype, limits=limits, told=options.limits is not None)


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch, NumPy or the system gave up for lack of memory, the GPU's or the machine's."""
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(words in str(error) for words in _SHORT)
