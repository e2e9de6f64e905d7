"""Where torch runs: a named device that is really there, and a bounded number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from framedex.errors import DeviceError, MissingDependency, UsageError

DeviceName = Literal["cpu", "cuda"]


def require_device(name: DeviceName, *, needed_by: str) -> torch.device:
    """The device, proved to be there; nothing falls back to another.

    Args:
        name: "cpu" or "cuda", the current GPU.
        needed_by: what asks, for the message.

    Raises:
        MissingDependency: this torch was built without CUDA.
        DeviceError: it was built with CUDA, and no GPU can be used.
    """
    if name == "cpu":
        return torch.device("cpu")
    if torch.version.cuda is None:
        raise MissingDependency(
            f"{needed_by} needs torch built for CUDA, and torch {torch.__version__} is not; install a CUDA build of torch, "
            "or ask for the CPU"
        )
    if not torch.cuda.is_available():
        raise DeviceError(
            f"{needed_by}: torch {torch.__version__} finds no GPU that CUDA {torch.version.cuda} can use; "
            "check the driver and CUDA_VISIBLE_DEVICES, or ask for the CPU"
        )
    return torch.device("cuda", torch.cuda.current_device())


def device_label(device: torch.device) -> str:
    """The device for provenance: "cpu", or the GPU's name and compute capability."""
    if device.type == "cpu":
        return "cpu"
    major, minor = torch.cuda.get_device_capability(device)
    return f"{torch.cuda.get_device_name(device)} (sm_{major}{minor})"


def require_full_products(needed_by: str) -> None:
    """Refuse to multiply float32 in fewer bits, which a process may have asked torch for.

    Raises:
        UsageError: torch's float32 products are rounded to TensorFloat-32 or bfloat16.
    """
    got = torch.get_float32_matmul_precision()
    if got != "highest":
        raise UsageError(
            f"{needed_by}: torch.get_float32_matmul_precision() is {got!r}, expected 'highest', or results lose three digits; "
            "leave torch.set_float32_matmul_precision as it was"
        )


@contextmanager
def at_most(threads: int) -> Iterator[None]:
    """Inside, torch's operators use `threads` threads of the CPU; after it as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
