"""Files of one setting each: what is held until they are written, and what they hold."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from framedex.datasets import Question
from framedex.select import make_sampler
from framedex.select.batch import asked_of, by_row, select_parts
from framedex.select.formats import Wanted, open_writer
from framedex.select.formats.base import json_list, json_object
from indexed_samples import indexed

BUDGETS = range(30, 90)


@pytest.mark.parametrize("values", [[], [1], ["ä", {"a": [1.5, None]}, []]])
def test_json_in_pieces_is_json(values: list[object]) -> None:
    assert "".join(json_list(values)) == json.dumps(values, ensure_ascii=False)
    named = {f"\n{number}": value for number, value in enumerate(values)}
    assert "".join(json_object(named.items())) == json.dumps(named, ensure_ascii=False)


def test_a_selection_is_held_as_its_rows(tmp_path: Path) -> None:
    """4 bytes a frame and some for a question; a list of Python's numbers has 8 bytes a frame and 24 for each number."""
    questions = [Question(id=f"{n}", video=f"clip{n % 2}.mp4", question=f"a red thing {n % 5}") for n in range(40)]
    asked, samplers = asked_of(questions, ["question"]), [make_sampler("uniform"), make_sampler("top")]
    with indexed(tmp_path / "S", counts=(100, 90)) as (store, curves):
        asks = by_row(store, curves, asked, grid=None)
        parts = list(select_parts(curves, asks, samplers=samplers, budgets=BUDGETS, seed=0))
    wanted = Wanted(path=tmp_path / "out", asked=asked, samplers=samplers, budgets=BUDGETS)
    selections = sum(len(part) for part in parts)
    assert selections == 40 * 2 * len(BUDGETS)
    rows = sum(part.picks.values.nbytes for part in parts)
    with open_writer("bolt", wanted) as writer:
        tracemalloc.start()
        for part in parts:
            writer.add(part)
        held, _ = tracemalloc.get_traced_memory()
        assert held + rows < selections * (4 * np.mean(BUDGETS) + 30)
        writer.finish()
        written = sum(path.stat().st_size for path in writer.written)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most - held < written / 4
    (part,) = parts
    for number, budget in enumerate(BUDGETS):
        content = json.loads((tmp_path / "out" / f"question.top.{budget}.json").read_text())
        assert list(content) == ["clip0", "clip1"]
        for video, of in enumerate(part.scored):
            for prompt, (entry, each) in enumerate(zip(content[f"clip{video}"], of.asked, strict=True)):
                assert entry["question_id"] == each.question.id
                assert entry["frames"] == of.times_s[part.picks.rows(video, prompt, 1, number)].tolist()
