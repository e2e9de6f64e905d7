"""Shards: a part of the inputs for each job of an array, the same part whatever files are added later."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from framedex.errors import UsageError
from framedex.ingest.assembly import stored_path

_LENGTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The inputs whose absolute path's SHA-256 is `number` - 1 modulo `of`.

    Attributes:
        number: 1 to `of`.
        of: how many shards there are.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "3/8".

        Raises:
            UsageError: no such pair of numbers.
        """
        number, slash, of = text.partition("/")
        valid = slash and len(text) <= _LENGTH and all(part.isascii() and part.isdigit() for part in (number, of))
        if not valid or not 1 <= int(number) <= int(of):
            raise UsageError(f"--shard: expected i/n with i from 1 to n, such as 3/8, got {text!r}")
        return cls(number=int(number), of=int(of))

    def holds(self, path: Path) -> bool:
        """Whether an input belongs to this shard."""
        digest = hashlib.sha256(os.fsencode(stored_path(path))).digest()
        return int.from_bytes(digest, "big") % self.of == self.number - 1
