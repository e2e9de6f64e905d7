"""Answers of earlier runs, in a SQLite file: what a model was asked before it is not asked again.

The file holds answers under keys of all that they depend on, and what made each. Records hold the same keys and answers, so it
can be made again from the folders of runs (`recorded.py`), and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from framedex.cache_file import CacheFile, CacheKind, is_network, store_cache_file
from framedex.errors import UsageError
from framedex.index.whole_file import check_folder
from framedex.keys import canonical_json
from framedex.mllm.base import Answer

_NAME: Final = "answers.sqlite"
_KIND: Final = CacheKind(
    application_id=0x46_44_58_41,  # "FDXA"
    version=1,
    table="answers",
    column="answer",
    holds="answers",
    otherwise="the models are asked",
    wait_s=30.0,  # an answer is dear
)
_DIGEST_NBYTES: Final = 8

#: What is kept of an answer: all but its times, as it takes none where it is found.
_KEPT: Final = tuple(field.name for field in fields(Answer) if not field.name.endswith("_time_s"))
_TUPLES: Final = ("option_logprobs", "option_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer and what made it.

    Attributes:
        answer: its times are 0.
        made_by: the model's provenance then, as canonical JSON.
    """

    answer: Answer
    made_by: str


class AnswerCache:
    """Answers by key.

    Args:
        path: the file; None for memory only.
        writes: whether answers are kept in the file; where not, they are until the end.

    Attributes:
        path: the file, or None.
    """

    def __init__(self, path: Path | None, *, writes: bool = True) -> None:
        self.path = path
        self._file = None if path is None else CacheFile(path, _KIND)
        self._writes = writes and path is not None
        self._held: dict[str, Kept] = {}

    @property
    def trouble(self) -> str | None:
        """Why the file was last not read or written, in a sentence, or None."""
        return None if self._file is None else self._file.trouble

    def read(self, keys: Sequence[str]) -> dict[str, Kept]:
        """Those that are there; what does not hold its checksum is not."""
        held = {key: self._held[key] for key in keys if key in self._held}
        if self._file is None:
            return held
        found = self._read_whole({bytes.fromhex(key): key for key in keys if key not in held})
        makers = self._read_whole({bytes.fromhex(maker): maker for _, maker in map(_parted, found.values())})
        for key, data in found.items():
            answer, maker = _parted(data)
            kept = _parsed(answer, makers.get(maker))
            if kept is not None and _lasts(kept):
                held[key] = kept
        return held

    def write(self, answers: Mapping[str, Kept]) -> None:
        """Keep answers by key; not those that no model was asked for, as they are invalid, and no server's refusals."""
        answers = {key: kept for key, kept in answers.items() if _lasts(kept)}
        if not self._writes or self._file is None:
            self._held.update(answers)
        elif answers:
            self._file.write(_rows(answers))

    def _read_whole(self, names: Mapping[bytes, str]) -> dict[str, str]:
        """Texts by name, of those whose checksum holds."""
        assert self._file is not None
        return {
            names[key]: data[_DIGEST_NBYTES:].decode()
            for key, data in self._file.read(list(names)).items()
            if isinstance(data, bytes) and data[:_DIGEST_NBYTES] == _digest(key, data[_DIGEST_NBYTES:])
        }


def cache_path(store: Path, folder: Path | None) -> Path:
    """Where the answers of a store's questions are kept: beside its other caches, or in a folder that was named.

    Raises:
        UsageError: the folder cannot be made or written to, or is on a network file system, where SQLite's locks cannot be
            relied on.
    """
    if folder is None:
        return store_cache_file(store, _NAME)
    check_folder(folder, subject="answer cache", otherwise="off")
    file = folder / _NAME
    if file.exists() and not (file.is_file() and os.access(file, os.W_OK)):
        raise UsageError(f"answer cache {folder}: cannot be written to; name a folder that can, or off")
    if is_network(folder.resolve()):
        raise UsageError(f"answer cache {folder}: is on a network file system; name a folder on a disk of this machine")
    return file


def _lasts(kept: Kept) -> bool:
    """Whether the same model gives the same answer again: a server may be started anew with room for longer prompts."""
    if kept.answer.status == "truncated-prompt":
        runtime = str((json.loads(kept.made_by) or {}).get("runtime", ""))
        return runtime.partition(":")[0] != "server"
    return kept.answer.status != "invalid"


def _rows(answers: Mapping[str, Kept]) -> Iterator[tuple[bytes, bytes]]:
    makers: dict[str, str] = {}
    for key, kept in answers.items():
        if kept.made_by not in makers:
            makers[kept.made_by] = hashlib.sha256(kept.made_by.encode()).hexdigest()[: len(key)]
            yield _row(makers[kept.made_by], kept.made_by)
        answer = canonical_json({name: getattr(kept.answer, name) for name in _KEPT})
        yield _row(key, f"{makers[kept.made_by]} {answer}")


def _row(key: str, text: str) -> tuple[bytes, bytes]:
    name, data = bytes.fromhex(key), text.encode()
    return name, _digest(name, data) + data


def _digest(name: bytes, data: bytes) -> bytes:
    return hashlib.sha256(name + data).digest()[:_DIGEST_NBYTES]


def _parted(text: str) -> tuple[str, str]:
    """An answer's text and the key of what made it."""
    maker, _, answer = text.partition(" ")
    return answer, maker


def _parsed(answer: str, made_by: str | None) -> Kept | None:
    """None where it is of a framedex whose answers had other fields, or what made it is lost."""
    try:
        value = json.loads(answer)
        given: dict[str, Any] = {name: tuple(value[name]) if name in _TUPLES else value[name] for name in value}
        return None if made_by is None else Kept(answer=Answer(**given), made_by=made_by)
    except (ValueError, TypeError):
        return None
