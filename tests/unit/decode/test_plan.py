"""The plan against structures whose references are known: random groups of pictures, with what each picture refers to."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framedex.decode.packets import CLOSED_ENTRY, NO_ENTRY, OPEN_ENTRY, PacketTable
from framedex.decode.plan import DecodePlan, make_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Packets and the truth about them: `refers[i]` are the packets that packet i refers to."""

    table: PacketTable
    refers: list[set[int]]

    def decodable(self, fed: list[int]) -> set[int]:
        """Of the packets fed in a row to a fresh decoder, those that come out right."""
        right: set[int] = set()
        for number in fed:
            if self.refers[number] <= right:
                right.add(number)
        return right


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    """Groups begun by a closed or open entry; in each, pictures of up to three layers that refer to what the rules allow."""
    pts: list[int] = []
    entry: list[int] = []
    layer: list[int] = []
    refers: list[set[int]] = []
    clock = 0
    steady: list[int] = []  # the entry of the group before, and what trails it
    for group in range(draw(st.integers(1, 4))):
        opens = group > 0 and draw(st.booleans())
        n_leading = draw(st.integers(1, 3)) if opens else 0
        n_trailing = draw(st.integers(0, 8))
        start = len(pts)
        # What is shown at an entry or after it refers to nothing before the entry, nor to what leads it.
        before = [i for i in steady if layer[i] == 0]
        leading_times = list(range(clock, clock + n_leading))
        entry_time = clock + n_leading
        pts.append(entry_time)
        entry.append(OPEN_ENTRY if opens else CLOSED_ENTRY)
        layer.append(0)
        refers.append(set())
        for time in leading_times:  # may refer to the entry and to the group before, and to each other
            allowed = [*before[-3:], *range(start, len(pts))]
            pts.append(time)
            entry.append(NO_ENTRY)
            layer.append(draw(st.integers(0, 2)))
            refers.append({i for i in draw(st.sets(st.sampled_from(allowed), max_size=3)) if layer[i] <= layer[-1]})
        first_trailing = len(pts)
        times = draw(st.permutations(range(entry_time + 1, entry_time + 1 + n_trailing)))
        for time in times:  # may refer to the entry and what trails it, never to what leads
            allowed = [start, *range(first_trailing, len(pts))]
            pts.append(time)
            entry.append(NO_ENTRY)
            layer.append(draw(st.integers(0, 2)))
            refers.append({i for i in draw(st.sets(st.sampled_from(allowed), max_size=3)) if layer[i] <= layer[-1]})
        clock = entry_time + 1 + n_trailing
        steady = [start, *range(first_trailing, len(pts))]
    n = len(pts)
    same_layer = {i for number in range(n) for i in refers[number] if layer[i] == layer[number]}
    table = PacketTable(
        time_base=Fraction(1, 25),
        pts=np.array(pts, dtype=np.int64),
        nbytes=np.full(n, 100, dtype=np.uint32),
        shown=np.ones(n, dtype=np.bool_),
        entry=np.array(entry, dtype=np.uint8),
        entry_dts=np.flatnonzero(np.array(entry) != NO_ENTRY),
        # What the headers say: whether a picture of the same layer may refer to it. They may say so for nothing.
        referenced=np.array([i in same_layer or draw(st.booleans()) for i in range(n)], dtype=np.bool_),
        layer=np.array(layer, dtype=np.uint8),
        feeds_led=draw(st.booleans()),
        reads_references=True,
    )
    return Stream(table=table, refers=refers)


def fed_numbers(plan: DecodePlan) -> list[int]:
    return [number for group in plan.groups for number in group.feed.tolist()]


@given(stream=streams(), data=st.data())
def test_every_target_comes_out_right_from_what_is_fed(stream: Stream, data: st.DataObject) -> None:
    table = stream.table
    targets = np.array(sorted(data.draw(st.sets(st.sampled_from(table.pts.tolist()), min_size=1))), dtype=np.int64)
    plan = make_plan(table, targets)
    taken: list[int] = []
    for group in plan.groups:
        assert table.entry[group.feed[0]] != NO_ENTRY
        assert (np.diff(group.feed) > 0).all()
        right = {int(table.pts[number]) for number in stream.decodable(group.feed.tolist())}
        assert (table.pts[group.feed[group.led]] < table.pts[group.feed[0]]).all()
        assert not group.led.any() or table.feeds_led
        assert set(group.targets.tolist()) <= right
        taken += group.targets.tolist()
    assert taken == targets.tolist(), "groups give their targets one after the other, each once"
    fed = fed_numbers(plan)
    assert fed == sorted(set(fed)), "nothing is decoded twice"


@given(stream=streams(), data=st.data())
def test_nothing_is_fed_that_nothing_needed_can_refer_to(stream: Stream, data: st.DataObject) -> None:
    table = stream.table
    targets = np.array(sorted(data.draw(st.sets(st.sampled_from(table.pts.tolist()), min_size=1))), dtype=np.int64)
    for group in make_plan(table, targets).groups:
        fed, wanted = group.feed.tolist(), set(group.targets.tolist())
        assert int(table.pts[fed[-1]]) in wanted, "the last packet fed is a target"
        for at, number in enumerate(fed[1:], start=1):
            if int(table.pts[number]) not in wanted:
                reach = table.layer[number] + (not table.referenced[number])
                assert any(table.layer[later] >= reach for later in fed[at + 1 :])


@given(stream=streams())
def test_all_frames_are_one_group_without_a_gap(stream: Stream) -> None:
    plan = make_plan(stream.table, np.sort(stream.table.pts))
    (group,) = plan.groups
    assert group.feed.tolist() == list(range(len(stream.table)))
    assert not plan.is_worth


def closed_gop(length: int, n_groups: int) -> PacketTable:
    """Groups of a key picture and P pictures, every second of which nothing refers to."""
    n = length * n_groups
    within = np.arange(n) % length
    return PacketTable(
        time_base=Fraction(1, 25),
        pts=np.arange(n, dtype=np.int64),
        nbytes=np.full(n, 100, dtype=np.uint32),
        shown=np.ones(n, dtype=np.bool_),
        entry=np.where(within == 0, CLOSED_ENTRY, NO_ENTRY).astype(np.uint8),
        entry_dts=np.arange(0, n, length),
        referenced=within % 2 == 0,
        layer=np.zeros(n, dtype=np.uint8),
        feeds_led=True,
        reads_references=True,
    )


def test_by_hand() -> None:
    """Groups of eight: frames 3 and 5 need 0, 2, 4 of the first; 17 needs only the key picture before it."""
    plan = make_plan(closed_gop(8, 3), np.array([3, 5, 17]))
    assert [(group.feed.tolist(), group.targets.tolist()) for group in plan.groups] == [
        ([0, 2, 3, 4, 5], [3, 5]),
        ([16, 17], [17]),
    ]
    assert (plan.n_fed, plan.n_packets, plan.is_worth) == (7, 24, True)


@pytest.mark.parametrize("target", [-1, 24, 100])
def test_a_target_that_is_no_frame(target: int) -> None:
    with pytest.raises(ValueError, match="no frame that is shown"):
        make_plan(closed_gop(8, 3), np.array([target]))
