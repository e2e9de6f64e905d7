"""Kept answers are the same to the last bit, or not there."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from framedex.errors import UsageError
from framedex.keys import json_key
from framedex.mllm.base import Answer
from framedex.sweep import answer_cache
from framedex.sweep.answer_cache import AnswerCache, Kept

ANSWER = Answer(
    choice=2,
    option_logprobs=(-0.1, -1 / 3, -1e-300, -9999.0),
    option_tokens=(1, 2, 3, 4),
    prompt_tokens=1642,
    written="¿é\n\x00'",
)
KEYS = [json_key(number) for number in range(4)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


def kept(answer: Answer = ANSWER, made_by: str = '{"device":"cpu"}') -> Kept:
    return Kept(answer=answer, made_by=made_by)


def test_what_comes_back_is_what_was_kept_but_for_its_times(path: Path) -> None:
    unparsable = Answer(
        choice=None, option_logprobs=(), option_tokens=(), prompt_tokens=7, status="unparsable", status_detail="why"
    )
    timed = dataclasses.replace(ANSWER, tower_time_s=1.0, prefill_time_s=2.0, answer_time_s=3.0)
    AnswerCache(path).write({KEYS[0]: kept(timed), KEYS[1]: kept(unparsable, made_by='{"device":"cuda"}')})
    cache = AnswerCache(path)
    assert cache.read(KEYS) == {KEYS[0]: kept(), KEYS[1]: kept(unparsable, made_by='{"device":"cuda"}')}
    assert cache.trouble is None


def test_many_are_kept_and_found(path: Path) -> None:
    many = {
        json_key(["many", number]): kept(dataclasses.replace(ANSWER, prompt_tokens=number)) for number in range(1200)
    }
    AnswerCache(path).write(many)
    assert AnswerCache(path).read([*many, *KEYS]) == many


def test_what_no_model_was_asked_is_not_kept(path: Path) -> None:
    refused = dataclasses.replace(ANSWER, choice=None, status="invalid", status_detail="27 options")
    cache = AnswerCache(path)
    cache.write({KEYS[0]: kept(refused)})
    assert cache.read(KEYS) == {}
    assert not path.exists()


@pytest.mark.parametrize("runtime", ["server", "server: vllm"])
@pytest.mark.parametrize("in_memory", [True, False])
def test_a_server_that_may_be_started_with_a_longer_context_is_asked_again(
    path: Path, runtime: str, in_memory: bool
) -> None:
    too_long = dataclasses.replace(ANSWER, choice=None, status="truncated-prompt", status_detail="4096 tokens")
    served, local = (json.dumps({"runtime": each}) for each in (runtime, "transformers"))
    given = {KEYS[0]: kept(too_long, served), KEYS[1]: kept(too_long, local), KEYS[2]: kept(ANSWER, served)}
    cache = AnswerCache(None if in_memory else path)
    cache.write(given)
    assert cache.read(KEYS) == {key: given[key] for key in KEYS[1:3]}


def test_a_servers_refusal_that_an_earlier_framedex_kept_is_not_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_long = dataclasses.replace(ANSWER, choice=None, status="truncated-prompt", status_detail="4096 tokens")
    with monkeypatch.context() as earlier:
        earlier.setattr(answer_cache, "_lasts", lambda _: True)
        AnswerCache(path).write({KEYS[0]: kept(too_long, '{"runtime":"server: vllm"}'), KEYS[1]: kept()})
    assert AnswerCache(path).read(KEYS) == {KEYS[1]: kept()}


def test_a_folder_that_is_none_or_cannot_be_made_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "taken" / "answers.sqlite").mkdir(parents=True)
    for named in ("file", "file/below/it", "gone", "gone/below"):
        with pytest.raises(
            UsageError, match=r"answer cache .*: expected a folder, but .* is none; name a folder, or off"
        ):
            answer_cache.cache_path(tmp_path, tmp_path / named)
    with pytest.raises(UsageError, match="cannot be written to"):
        answer_cache.cache_path(tmp_path, tmp_path / "taken")
    assert answer_cache.cache_path(tmp_path, tmp_path / "new" / "er") == tmp_path / "new" / "er" / "answers.sqlite"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "gone", "taken"]


@pytest.mark.parametrize("in_memory", [True, False])
def test_where_nothing_is_to_be_written_answers_last_as_long_as_it_does(path: Path, in_memory: bool) -> None:
    AnswerCache(path).write({KEYS[0]: kept()})
    before = path.read_bytes()
    cache = AnswerCache(None) if in_memory else AnswerCache(path, writes=False)
    cache.write({KEYS[1]: kept()})
    assert set(cache.read(KEYS)) == ({KEYS[1]} if in_memory else {KEYS[0], KEYS[1]})
    assert path.read_bytes() == before
    assert (cache.path, cache.trouble) == (None if in_memory else path, None)


@pytest.mark.parametrize("number", [0, 1])
def test_a_value_that_does_not_hold_is_not_there(path: Path, number: int) -> None:
    """Of an answer or of what made it: a bit of any value."""
    AnswerCache(path).write({KEYS[0]: kept()})
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT key, answer FROM answers ORDER BY length(answer)").fetchall()
        assert len(rows) == 2
        key, value = rows[number]
        database.execute("UPDATE answers SET answer = ? WHERE key = ?", [value[:-2] + b"0}", key])
    database.close()
    cache = AnswerCache(path)
    assert cache.read(KEYS) == {}
    cache.write({KEYS[0]: kept()})
    assert cache.read(KEYS) == {KEYS[0]: kept()}


def test_answers_of_another_framedex_are_not_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_cache, "_KEPT", (*answer_cache._KEPT, "tower_time_s"))
    AnswerCache(path).write({KEYS[0]: kept()})
    monkeypatch.undo()
    assert AnswerCache(path).read(KEYS[:1]) == {KEYS[0]: kept()}, "a field that is known is taken"
    monkeypatch.setattr(answer_cache, "_KIND", dataclasses.replace(answer_cache._KIND, version=2))
    newer = AnswerCache(path)
    assert newer.read(KEYS) == {}
    assert "it is of another version, or another program's" in str(newer.trouble)


_WRITER = """
import sys; from pathlib import Path
from framedex.keys import json_key; from framedex.mllm.base import Answer
from framedex.sweep.answer_cache import AnswerCache, Kept
cache = AnswerCache(Path(sys.argv[1]))
for n in range(40):
    answer = Answer(choice=0, option_logprobs=(-1.0, -2.0), option_tokens=(1, 1), prompt_tokens=n)
    cache.write({json_key([n, sys.argv[2] if n % 2 else "all"]): Kept(answer=answer, made_by="{}")})
sys.exit(cache.trouble)
"""


def test_several_processes_may_write_at_once(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(number)]) for number in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    keys = {
        json_key([n, who]): n for n in range(40) for who in ("all", "0", "1", "2") if (n % 2 == 0) == (who == "all")
    }
    found = AnswerCache(path).read(list(keys))
    assert {key: each.answer.prompt_tokens for key, each in found.items()} == keys
