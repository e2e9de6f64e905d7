"""Visual tokens on disk, a file per frame: there whole or not at all, checked when read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
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
    """

    def __init__(self, folder: Path, mllm_key: str) -> None:
        self._folder = folder / VERSION / mllm_key
        self._damaged: set[str] = set()

    @property
    def damaged(self) -> int:
        """Files that did not hold, and were passed over."""
        return len(self._damaged)

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
            self._damaged.add(key)
            return None
        return tokens

    def evict(self, key: str) -> None:
        """Have the system forget what it keeps of a frame's file, so that it comes from the disk when it is read next.

        Where the platform cannot, or there is no such file, nothing is done.
        """
        if not hasattr(os, "posix_fadvise"):
            return
        with contextlib.suppress(OSError):  # whoever reads the file says what is wrong with it
            file = os.open(self.path(key), os.O_RDONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)

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
