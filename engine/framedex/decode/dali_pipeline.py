"""DALI's part of decoding with it: clips in memory and frame numbers in, resized frames out, on the CPU or on a GPU."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import nvidia.dali.fn as fn
from numpy.typing import NDArray
from nvidia.dali import Pipeline, backend, types
from nvidia.dali import __version__ as dali_version

from framedex.contracts import Fit, Pixels
from framedex.decode.pieces import Piece
from framedex.errors import DecodeFailed, DeviceError

if TYPE_CHECKING:
    import torch

DeviceName = Literal["cpu", "gpu"]

#: Frames that DALI gave for one piece, in its own memory and as it knows them: `as_pixels` and `as_tensor` read them.
DaliFrames = Any

_BACKEND: Final[Any] = backend  # its types are not told
_INTERPOLATION: Final = {"bicubic": types.INTERP_CUBIC, "bilinear": types.INTERP_LINEAR}


class DaliPipeline:
    """Decodes pieces and resizes their frames as a whole, with antialiasing.

    Args:
        device: where; it never becomes the other one.
        fit: of the pictures as they are stored; its rectangle is not taken here.
        colours: multiplies every pixel's RGB at last: float64 (3, 3); None for nothing.
        threads: of the CPU, >= 1.
        pieces: of one run, at most, >= 1.

    Raises:
        DeviceError: the pipeline cannot be made: no GPU, or not for this.
    """

    def __init__(
        self, *, device: DeviceName, fit: Fit, colours: NDArray[np.float64] | None, threads: int, pieces: int
    ) -> None:
        self._pipeline: Pipeline | None = None
        try:
            pipeline = Pipeline(
                batch_size=pieces,
                num_threads=threads,
                device_id=0 if device == "gpu" else None,
                prefetch_queue_depth=1,
            )
            with pipeline:
                encoded = fn.external_source(name="encoded", dtype=types.UINT8, ndim=1, no_copy=True)
                numbers = fn.external_source(name="numbers", dtype=types.INT32, ndim=1, no_copy=True)
                frames = fn.decoders.video(
                    encoded,
                    device="mixed" if device == "gpu" else "cpu",
                    frames=numbers,
                    pad_mode="none",  # a frame that is not there is an error
                )
                pictures = fn.resize(
                    frames,
                    size=list(fit.resized),
                    interp_type=_INTERPOLATION[fit.interpolation],
                    antialias=True,
                )
                if colours is not None:
                    pictures = fn.coord_transform(pictures, M=colours.ravel().tolist(), dtype=types.UINT8)
                pipeline.set_outputs(pictures)
            pipeline.build()
        except RuntimeError as error:
            raise DeviceError(
                f"DALI cannot be used on the {device.upper()}: {_reason_of(error)}; decode with pyav"
            ) from error
        self._pipeline = pipeline

    def run(self, pieces: Sequence[Piece]) -> list[DaliFrames]:
        """Decode some pieces: for each, uint8 (k, h, w, 3), its wanted frames in order; valid until the next run.

        Raises:
            DecodeFailed: DALI's own reason.
        """
        assert self._pipeline is not None, "the pipeline is closed"
        # Kept until they are read: DALI does not copy them.
        encoded = [np.frombuffer(piece.encoded, np.uint8) for piece in pieces]
        numbers = [piece.numbers for piece in pieces]
        try:
            self._pipeline.feed_input("encoded", encoded)
            self._pipeline.feed_input("numbers", numbers)
            (outputs,) = self._pipeline.run()
        except RuntimeError as error:
            raise DecodeFailed(_reason_of(error)) from error
        return [outputs[at] for at in range(len(pieces))]

    def close(self) -> None:
        """Free DALI's memory and threads; safe to call twice."""
        self._pipeline = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def as_pixels(frames: DaliFrames) -> Pixels:
    """A copy of DALI's frames on the host: uint8 (k, h, w, 3)."""
    return np.array(frames.as_cpu(), dtype=np.uint8)


def as_tensor(frames: DaliFrames) -> torch.Tensor:
    """DALI's frames as a torch tensor on the same device, uint8 (k, h, w, 3): the same memory, valid as long as they are."""
    from torch.utils.dlpack import from_dlpack

    tensor: torch.Tensor = from_dlpack(frames)
    return tensor


def require_device(device: DeviceName) -> None:
    """Refuse a device that is not there.

    Raises:
        DeviceError: no GPU that DALI's CUDA can use.
    """
    if device == "gpu" and not _BACKEND.GetCUDADeviceCount():
        raise DeviceError(
            f"decoder 'dali-gpu': DALI {dali_version} finds no GPU; check the driver and CUDA_VISIBLE_DEVICES, or decode with "
            "dali-cpu or pyav"
        )


def _reason_of(error: RuntimeError) -> str:
    """What DALI says went wrong, in one line, without places in its sources and ours."""
    told = str(error).partition("encountered:")[2] or str(error)
    reason = " ".join(told.partition("C++ context")[0].split()).rstrip(".")
    return re.sub(r'^Assert on ".*?" failed: ', "", reason)
