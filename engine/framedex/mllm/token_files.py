"""Visual tokens on disk, a file per frame: there whole or not at all, checked when read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from framedex.index.whole_file import make_folder, read_whole, write_whole

#: Part of the path: another layout is another folder.
VERSION = "visual-tokens-1"

_TOKENS, _CHECKSUM = "tokens", "sha256"


class TokenFiles:
    """Files under a folder, by MLLM key and frame key; any number of processes may share it.

    Args:
        folder: made where it is not there.
        mllm_key: of the model whose tokens they are.

    Attributes:
        damaged: files that did not hold, and were passed over.
    """

    def __init__(self, folder: Path, mllm_key: str) -> None:
        self._folder = folder / VERSION / mllm_key
        self.damaged = 0

    def path(self, key: str) -> Path:
        """Where a frame's tokens are."""
        return self._folder / key[:2] / f"{key}.safetensors"

    def get(self, key: str) -> torch.Tensor | None:
        """The tokens of a frame, (tokens, hidden); None where there is no file, or one that does not hold.

        Raises:
            StorageError: the file cannot be read.
        """
        path = self.path(key)
        try:
            data = read_whole(path)
        except FileNotFoundError:
            return None
        try:
            tokens: torch.Tensor = load(data)[_TOKENS]
            holds = _said(data) == _checksum(tokens)
        except (SafetensorError, KeyError, ValueError):
            holds = False
        if not holds:
            self.damaged += 1
            return None
        return tokens

    def put(self, key: str, tokens: torch.Tensor) -> None:
        """Keep a frame's tokens, replacing what was there.

        Raises:
            StorageError: the file cannot be written; nothing of it is left.
        """
        path = self.path(key)
        make_folder(path.parent)
        write_whole(path, save({_TOKENS: tokens.contiguous()}, metadata={_CHECKSUM: _checksum(tokens)}))


def _said(data: bytes) -> str:
    """The checksum in a file's header, which safetensors reads only of files by name."""
    length = int.from_bytes(data[:8], "little")
    return str(json.loads(data[8 : 8 + length])["__metadata__"][_CHECKSUM])


def _checksum(tokens: torch.Tensor) -> str:
    described = f"{tokens.dtype} {tuple(tokens.shape)}".encode()
    return hashlib.sha256(described + tokens.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()
