"""Shards: every input in exactly one, whatever else there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.errors import UsageError
from framedex.ingest.shards import Shard


def test_every_path_is_in_one_shard() -> None:
    shards = [Shard(number=number, of=5) for number in range(1, 6)]
    counts = [0] * 5
    for number in range(1000):
        (holder,) = [shard for shard in shards if shard.holds(Path(f"/videos/{number}.mp4"))]
        counts[holder.number - 1] += 1
    assert min(counts) > 150


def test_a_path_is_meant_whichever_way_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for shard in (Shard(number=1, of=2), Shard(number=2, of=2)):
        assert shard.holds(Path("a.mp4")) == shard.holds(tmp_path / "b" / ".." / "a.mp4")


def test_the_rule_is_written_in_stone() -> None:
    """Jobs of an array may be run by different versions: sha256("/v/a.mp4") mod 7, by hand."""
    assert [number for number in range(1, 8) if Shard(number=number, of=7).holds(Path("/v/a.mp4"))] == [4]


@pytest.mark.parametrize(
    "text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/2/3", "a/b", "1 / 2", "¹/2", "1" * 30 + "/2"]
)
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UsageError, match=r"--shard: expected i/n with i from 1 to n"):
        Shard.parse(text)


def test_parse() -> None:
    assert Shard.parse("3/8") == Shard(number=3, of=8)
    assert Shard().holds(Path("anything"))
