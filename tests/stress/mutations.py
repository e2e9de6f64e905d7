"""Ways to damage a file of video without knowing what its codec holds: bytes, and the numbers of containers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_EXTREMES = (0, 1, 2, 7, 0x7F, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_HEADER = 600


class NotApplicable(Exception):
    """The clip has nothing that this mutation changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A whole clip: its file, and the bytes in it."""

    path: Path
    data: bytes

    @property
    def suffix(self) -> str:
        return self.path.suffix


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a mutation works on: a clip, all clips, and where its random numbers come from."""

    clip: Clip
    clips: Sequence[Clip]
    rng: np.random.Generator

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        return int(self.rng.integers(max(n, 1)))

    def one_of(self, choices: Sequence[int]) -> int:
        return int(choices[self.below(len(choices))])

    def place(self) -> int:
        """A place in the clip's bytes."""
        return self.below(len(self.clip.data))


#: Gives the bytes of the mutant and its suffix.
Mutation = Callable[[Task], tuple[bytes, str]]


def truncate(task: Task) -> tuple[bytes, str]:
    return task.clip.data[: task.place()], task.clip.suffix


def truncate_hidden(task: Task) -> tuple[bytes, str]:
    """Cut, and its media box made to reach to the end of the file, so that only the packets tell."""
    data = bytearray(task.clip.data)
    at = _find(data, b"mdat", task)
    if data.find(b"moov") > at:
        raise NotApplicable
    data[at - 4 : at] = bytes(4)
    return bytes(data[: at + 4 + task.below(len(data) - at)]), task.clip.suffix


def empty(task: Task) -> tuple[bytes, str]:
    return b"", task.clip.suffix


def flip_in_header(task: Task) -> tuple[bytes, str]:
    data = task.clip.data
    start = max(data.find(b"moov"), 0) if task.below(2) else 0
    return _flip(task, start, min(start + _HEADER, len(data)), 1 + task.below(8))


def flip_anywhere(task: Task) -> tuple[bytes, str]:
    return _flip(task, 0, len(task.clip.data), 1 + task.below(64))


def splice(task: Task) -> tuple[bytes, str]:
    other = task.clips[task.below(len(task.clips))]
    return task.clip.data[: task.place()] + other.data[task.below(len(other.data)) :], task.clip.suffix


def wrong_suffix(task: Task) -> tuple[bytes, str]:
    """A few bytes behind the end make it a file of its own."""
    other = task.clips[task.below(len(task.clips))]
    return task.clip.data + task.rng.bytes(task.below(16)), other.suffix


def zeros(task: Task) -> tuple[bytes, str]:
    data = bytearray(task.clip.data)
    start = task.place()
    end = min(len(data), start + 1 + task.below(2000))
    data[start:end] = bytes(end - start)
    return bytes(data), task.clip.suffix


def noise(task: Task) -> tuple[bytes, str]:
    data = bytearray(task.clip.data)
    start = task.place()
    end = min(len(data), start + 1 + task.below(2000))
    data[start:end] = task.rng.bytes(end - start)
    return bytes(data), task.clip.suffix


def repeat_chunk(task: Task) -> tuple[bytes, str]:
    data, start = task.clip.data, task.place()
    end = start + task.below(3000)
    return data[:end] + data[start:], task.clip.suffix


def remove_chunk(task: Task) -> tuple[bytes, str]:
    data, start = task.clip.data, task.place()
    return data[:start] + data[start + 1 + task.below(3000) :], task.clip.suffix


def insert_chunk(task: Task) -> tuple[bytes, str]:
    data, start = task.clip.data, task.place()
    return data[:start] + task.rng.bytes(1 + task.below(400)) + data[start:], task.clip.suffix


def magic_and_garbage(task: Task) -> tuple[bytes, str]:
    keep = 4 + task.below(60)
    return task.clip.data[:keep] + task.rng.bytes(task.below(20_000)), task.clip.suffix


def absurd_number(task: Task) -> tuple[bytes, str]:
    """Extreme numbers of any width and order somewhere in the header."""
    data = bytearray(task.clip.data)
    for _ in range(1 + task.below(3)):
        width = task.one_of((1, 2, 4, 8))
        at = task.below(min(len(data), 1200) - width)
        value = task.one_of(_EXTREMES) & (1 << 8 * width) - 1
        data[at : at + width] = value.to_bytes(width, "big" if task.below(2) else "little")
    return bytes(data), task.clip.suffix


_BOXES = "ftyp moov mvhd trak tkhd edts elst mdia mdhd hdlr minf stbl stsd stts ctts stss stsz stsc stco mdat moof traf trun tfhd"


def box_size(task: Task) -> tuple[bytes, str]:
    names = [name.encode() for name in _BOXES.split()]
    data = bytearray(task.clip.data)
    at = _find(data, names[task.below(len(names))], task)
    was = int.from_bytes(data[at - 4 : at])
    sizes = (*_EXTREMES, was + 1, max(was - 1, 0), 2 * was, len(data))
    data[at - 4 : at] = task.one_of(sizes).to_bytes(4)
    return bytes(data), task.clip.suffix


#: Behind which name, at which offset, in which form: width and height.
_DIMENSIONS: tuple[tuple[bytes, int, str], ...] = (
    (b"tkhd", 76, ">I"),
    (b"tkhd", 80, ">I"),
    *((name, at, ">H") for name in (b"avc1", b"hvc1", b"hev1", b"av01", b"mp4v", b"jpeg") for at in (24, 26)),
    (b"avih", 36, "<I"),
    (b"avih", 40, "<I"),
    (b"strf", 8, "<I"),
    (b"strf", 12, "<I"),
    (b"\xb0\x81", 0, "B"),  # Matroska's PixelWidth and PixelHeight
    (b"\xba\x81", 0, "B"),
)

#: Likewise: time scales, durations, edits, frame rates.
_TIMES: tuple[tuple[bytes, int, str], ...] = (
    *((name, at, ">I") for name in (b"mvhd", b"mdhd") for at in (12, 16)),
    (b"tkhd", 20, ">I"),
    *((b"elst", at, ">I") for at in (4, 8, 12, 16)),
    *((b"tfdt", at, ">I") for at in (4, 8)),
    *((b"tfhd", at, ">I") for at in (8, 12)),
    (b"avih", 4, "<I"),
    *((b"strh", at, "<I") for at in (24, 28, 32, 36)),
    (b"\x2a\xd7\xb1\x83", 0, ">H"),  # Matroska's TimestampScale
    (b"\x44\x89\x88", 0, ">d"),  # and Duration
    (b"\x23\xe3\x83\x84", 0, ">I"),  # and DefaultDuration
)

_TABLES = (b"stts", b"ctts", b"stss", b"stsz", b"stsc", b"stco", b"trun")


def dimensions(task: Task) -> tuple[bytes, str]:
    return _set_fields(task, _DIMENSIONS)


def times(task: Task) -> tuple[bytes, str]:
    return _set_fields(task, _TIMES)


def sample_table(task: Task) -> tuple[bytes, str]:
    """Counts and entries of the tables that say when samples are shown, where they lie, and which are key frames."""
    data = bytearray(task.clip.data)
    at = _find(data, _TABLES[task.below(len(_TABLES))], task)
    for _ in range(1 + task.below(3)):
        entry = at + 4 + 4 * task.below(1 + min(40, int.from_bytes(data[at - 4 : at]) // 4 - 3))
        if entry + 8 > len(data):
            raise NotApplicable
        was = int.from_bytes(data[entry : entry + 4])
        after = int.from_bytes(data[entry + 4 : entry + 8])
        values = (*_EXTREMES, was + 1, max(was - 1, 0), 2 * was & 0xFFFFFFFF, after, 3, 20)
        data[entry : entry + 4] = (task.one_of(values) & 0xFFFFFFFF).to_bytes(4)
    return bytes(data), task.clip.suffix


def _set_fields(task: Task, fields: Sequence[tuple[bytes, int, str]]) -> tuple[bytes, str]:
    data = bytearray(task.clip.data)
    there = [field for field in fields if field[0] in data]
    if not there:
        raise NotApplicable
    for _ in range(1 + task.below(2)):
        name, offset, form = there[task.below(len(there))]
        at = _find(data, name, task) + len(name) + offset
        if at + struct.calcsize(form) > len(data):
            raise NotApplicable
        if form.endswith("d"):
            value: float = (0.0, -1.0, 1e300, float("inf"), float("nan"), 1e15)[task.below(6)]
        else:
            (was,) = struct.unpack_from(form, data, at)
            bits = 8 * struct.calcsize(form)
            value = task.one_of((*_EXTREMES, was + 1, 2 * was, 16_384, 100_000, 90_000)) & (1 << bits) - 1
        struct.pack_into(form, data, at, value)
    return bytes(data), task.clip.suffix


def _find(data: bytes | bytearray, name: bytes, task: Task) -> int:
    """A place of `name`, any of them."""
    places = []
    at = data.find(name, 4)
    while at >= 0:
        places.append(at)
        at = data.find(name, at + 1)
    if not places:
        raise NotApplicable
    return places[task.below(len(places))]


def _flip(task: Task, start: int, end: int, bits: int) -> tuple[bytes, str]:
    data = bytearray(task.clip.data)
    for _ in range(bits):
        data[start + task.below(end - start)] ^= 1 << task.below(8)
    return bytes(data), task.clip.suffix


MUTATIONS: dict[str, Mutation] = {
    function.__name__: function
    for function in (
        truncate,
        truncate_hidden,
        empty,
        flip_in_header,
        flip_anywhere,
        splice,
        wrong_suffix,
        zeros,
        noise,
        repeat_chunk,
        remove_chunk,
        insert_chunk,
        magic_and_garbage,
        absurd_number,
        box_size,
        dimensions,
        times,
        sample_table,
    )
}
