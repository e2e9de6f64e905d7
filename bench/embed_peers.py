"""What bench/embed.py compares with: the Hugging Face model in torch, eager, and its plain ONNX export on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels, Vectors


class TorchEager:
    """SigLIP's vision model as transformers runs it: eager attention, operators one by one, float32.

    Args:
        checkpoint: the folder.
        threads: of torch, for this whole process.
    """

    def __init__(self, checkpoint: Path, *, threads: int) -> None:
        import torch
        from transformers import SiglipModel

        torch.set_num_threads(threads)
        model = SiglipModel.from_pretrained(checkpoint, attn_implementation="eager", dtype=torch.float32)
        self.vision = model.vision_model.eval()

    def __call__(self, pixels: Pixels) -> Vectors:
        """float32 (n, d), unit rows."""
        import torch

        with torch.inference_mode():
            vectors = self.vision(pixel_values=torch.from_numpy(normalised(pixels))).pooler_output.numpy()
        return _unit(vectors)


class DefaultOnnxRuntime:
    """The same model through `torch.onnx.export` and ONNX Runtime, both with their defaults but for the number of threads.

    Args:
        eager: whose model is exported.
        path: the ONNX file that is written.
        threads: of the session.
    """

    def __init__(self, eager: TorchEager, path: Path, *, threads: int) -> None:
        import onnxruntime
        import torch

        side = eager.vision.config.image_size
        torch.onnx.export(
            _Pooled(eager.vision),
            (torch.zeros(2, 3, side, side),),
            str(path),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["pixel_values"],
            output_names=["vectors"],
            verbose=False,
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: Pixels) -> Vectors:
        """float32 (n, d), unit rows."""
        (vectors,) = self._session.run(None, {"pixel_values": normalised(pixels)})
        return _unit(vectors)


def normalised(pixels: Pixels) -> NDArray[np.float32]:
    """uint8 (n, H, W, 3) to float32 (n, 3, H, W) around 0, as SigLIP's processor does after resizing."""
    values = pixels.transpose(0, 3, 1, 2).astype(np.float32)
    return np.ascontiguousarray(values / 127.5 - 1.0)


def _unit(vectors: Any) -> Vectors:
    rows: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return rows


def _Pooled(vision: Any) -> Any:  # noqa: N802  # stands for a class, made when torch is imported
    import torch

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vision = vision

        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            pooled: torch.Tensor = self.vision(pixel_values=pixel_values).pooler_output
            return pooled

    return Pooled()
