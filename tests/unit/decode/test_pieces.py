"""Pieces of a video, read back by FFmpeg: the wanted frames are where they are said to be."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import read_number
from framedex.decode import EveryGrid, FpsGrid, Grid, identify
from framedex.decode.base import no_progress
from framedex.decode.grids import pts_to_us
from framedex.decode.packets import PacketTable
from framedex.decode.pieces import Piece, pieces_of
from framedex.decode.plan import DecodePlan, make_plan
from framedex.decode.planned import PacketFeed
from framedex.decode.pyav import PyAVReader
from framedex.decode.pyav_stream import opened
from golden_clips import FREE, VIDEOS

# H.264 with reordered pictures, AV1 with hidden ones aside (its packets are distrusted), and codecs that DALI reads on the CPU.
CLIPS = {name: (VIDEOS | FREE)[name] for name in ("pal", "uneven-mkv", "negative", "vp9-webm", "mjpeg-mov")}


def planned(path: Path, grid: Grid) -> tuple[PacketTable, DecodePlan, list[int]]:
    with PyAVReader(identify(path, folder_fps=None), threads=1, progress=no_progress) as reader:
        _, (sample,) = reader.plan(grid)
        table = reader.table
    assert table is not None
    taken = [pts for pts in table.timeline.tolist() if pts_to_us(pts, table.time_base) in set(sample.pts_us.tolist())]
    return table, make_plan(table, np.array(taken, np.int64)), taken


def shown(piece: Piece) -> list[int]:
    """The number in every frame of a piece, in the order in which they are shown."""
    with av.open(io.BytesIO(piece.encoded)) as container:
        frames = [(frame.pts, read_number(frame.to_ndarray(format="rgb24"))) for frame in container.decode(video=0)]
    times = [pts for pts, _ in frames]
    assert times == sorted(times)
    assert len(frames) == piece.n_packets
    return [number for _, number in frames]


@pytest.mark.parametrize("n_frames", [1, 2, 100])
@pytest.mark.parametrize("name", CLIPS)
def test_wanted_frames_have_their_numbers(name: str, n_frames: int, tmp_path: Path) -> None:
    clip = CLIPS[name](tmp_path)
    table, plan, taken = planned(clip.path, FpsGrid(fps=Fraction(4)))
    with opened(clip.path, threads=1, progress=no_progress) as video:
        feed = PacketFeed(video, clip.path, table)
        pieces = list(pieces_of(plan, feed, table, video.stream, n_frames=n_frames))
    assert all(1 <= len(piece.pts) <= n_frames for piece in pieces)
    assert np.concatenate([piece.pts for piece in pieces]).tolist() == taken
    got = [shown(piece)[number] for piece in pieces for number in piece.numbers.tolist()]
    assert got == [number for _, number in clip.sampled(Fraction(4))]


def test_small_groups_share_a_piece(tmp_path: Path) -> None:
    clip = FREE["mjpeg-mov"](tmp_path)
    table, plan, taken = planned(clip.path, EveryGrid(step=10))
    assert len(plan.groups) == len(taken) == 8
    with opened(clip.path, threads=1, progress=no_progress) as video:
        feed = PacketFeed(video, clip.path, table)
        (piece,) = pieces_of(plan, feed, table, video.stream, n_frames=8)
    assert piece.n_packets == 8
    assert shown(piece) == list(range(0, 75, 10))
