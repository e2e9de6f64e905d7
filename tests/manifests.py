"""A manifest's value that holds, and a folder of small files that it describes: no torch, no graph."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FILES = {"image.onnx": b"image weights", "text.onnx": b"text weights", "tokenizer.json": b"{}"}


def manifest_value() -> dict[str, Any]:
    """A fresh value of `manifest.json`, free to be broken."""
    files = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "nbytes": len(data)} for name, data in sorted(FILES.items())
    }
    return {
        "format": "framedex-artefact",
        "version": 1,
        "name": "example",
        "family": "siglip",
        "dim": 8,
        "image": {
            "size": [48, 32],
            "resize": "squash",
            "interpolation": "bicubic",
            "antialias": True,
            "channel_order": "RGB",
            "rescale": 1 / 255,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
        },
        "text": {
            "max_length": 16,
            "padding": "max_length",
            "pad_id": 1,
            "truncation": "end",
            "eos": "appended, kept when truncated",
            "eos_id": 1,
            "tokenizer_sha256": files["tokenizer.json"]["sha256"],
            "note": "lower-cased",
        },
        "logit_scale": 100.0,
        "logit_bias": -12.0,
        "weights_sha256": "ab" * 32,
        "towers": {
            "image": {"file": "image.onnx", "input": "pixels", "output": "vectors"},
            "text": {"file": "text.onnx", "input": "ids", "output": "vectors"},
        },
        "precision": "fp32",
        "files": files,
        "parity": {
            "images": 3,
            "image_min_cosine": 1.0,
            "image_mean_cosine": 1.0,
            "preprocessing_max_grey_levels": 0,
            "texts": 3,
            "text_min_cosine": 1.0,
            "text_mean_cosine": 1.0,
            "tokenizer_texts": 3,
            "batch_min_cosine": 1.0,
        },
        "provenance": {
            "torch": "2.13.0",
            "transformers": "5.23.0",
            "onnx": "1.23.2",
            "onnxruntime": "1.32.0",
            "exporter": "0.1.0",
            "opset": 20,
            "tokenizer": "checkpoint",
        },
    }


def write_example(folder: Path, value: dict[str, Any] | None = None) -> Path:
    """Write the files and the manifest; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(manifest_value() if value is None else value))
    return folder
