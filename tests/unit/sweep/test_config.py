"""sweep.yaml as it is read: what holds, what is filled in, and the sentence for each way to be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from framedex.errors import UsageError
from framedex.mllm.served_model import ServedModel
from framedex.select import make_sampler
from framedex.sweep.config import StoredScores, SweepConfig, WindowRule, read_config

SMALLEST = "version: 1\nstore: S\nquestions: [q.jsonl]\nmllms: [m]\n"


def read(tmp_path: Path, text: str) -> SweepConfig:
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def test_the_smallest_file_and_what_is_filled_in(tmp_path: Path) -> None:
    config = read(tmp_path, SMALLEST)
    assert config == SweepConfig(
        folder=tmp_path,
        store=tmp_path / "S",
        questions=(tmp_path / "q.jsonl",),
        mllms=("m",),
        samplers=(make_sampler("uniform"), make_sampler("top")),
        budgets=(8,),
        option_orders="cyclic",
    )


def test_a_sampler_is_written_as_on_the_command_line_or_key_by_key(tmp_path: Path) -> None:
    config = read(tmp_path, SMALLEST + "samplers: [top, 'window-top:length=8,stride=4', {name: mmr, share: 0.7}]\n")
    expected = (make_sampler("top"), make_sampler("window-top", length=8, stride=4), make_sampler("mmr", share=0.7))
    assert config.samplers == expected


def test_every_key(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """\
version: 1
store: /elsewhere/S
grid: fps=1
questions: [q.jsonl, more/r.jsonl]
encoders: [micro-siglip, {scores: ours}]
variants: [question, answer, declarative]
transforms: [cosine]
samplers: [uniform, top, {name: window-top, length: 8, stride: 4}]
budgets: [4, 8]
windows: [{length: 8, stride: 4}]
drop: {base: uniform, rates: [0.25, 0.5], by: [lowest, random]}
no_video: true
mllms: [micro-smolvlm]
scoring: [option, letter]
option_orders: given
seeds: [0, 7]
""",
    )
    assert config.store == Path("/elsewhere/S")
    assert config.questions == (tmp_path / "q.jsonl", tmp_path / "more" / "r.jsonl")
    assert config.encoders == ("micro-siglip", StoredScores(name="ours"))
    assert config.variants == ("question", "answer", "declarative")
    assert config.samplers[2] == make_sampler("window-top", length=8, stride=4)
    assert config.windows == (WindowRule(length=8, stride=4),)
    assert [(drop.by, drop.rate) for drop in config.drop] == [
        ("lowest", 0.25),
        ("lowest", 0.5),
        ("random", 0.25),
        ("random", 0.5),
    ]
    assert (config.no_video, config.scoring, config.option_orders, config.seeds) == (
        True,
        ("option", "letter"),
        "given",
        (0, 7),
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("bugdets: [4]", r"line 5: unknown key 'bugdets'; exists: .*; did you mean 'budgets'\?"),
        ("folder: x", "line 5: unknown key 'folder'"),
        ("budgets: [4]\nbudgets: [8]", "line 6: key 'budgets' stands twice"),
        ("budgets: []", "line 5: budgets: the list is empty"),
        ("budgets: 4", "line 5: budgets: expected a list in brackets or dashes, got '4'"),
        ("budgets:\n- 4\n- four", "line 7: budgets: expected a whole number, 1 or more, got 'four'"),
        ("budgets: [4, 8, 4]", "line 5: budgets: '4' stands twice"),
        ("encoders: [{scroes: a}]", "line 5: unknown key 'scroes'; exists: scores"),
        ("encoders: [{scores: 3}]", "line 5: scores: expected a text, got '3'"),
        ("budgets: [0]", "line 5: budgets: expected a whole number, 1 or more, got '0'"),
        ("budgets: [true]", "line 5: budgets: expected a whole number"),
        ("samplers: [tpo]", r"line 5: unknown sampler 'tpo'; .*did you mean 'top'\?"),
        ("samplers: [{name: window-top, lenght: 8}]", "line 5: .*has no parameter 'lenght'.*did you mean 'length'"),
        ("samplers: [{length: 8}]", "line 5: samplers: key 'name' is missing"),
        ("samplers: [{name: window-top, length: [8]}]", "line 5: length: expected a single value, got a list"),
        ("samplers: [top, top]", "line 5: samplers: 'top' stands twice"),
        ("samplers: ['mmr:share=0.5', mmr]", "line 5: samplers: 'mmr' stands twice"),
        ("samplers: ['mmr:share']", "line 5: sampler 'mmr:share': expected name:key=value"),
        ("samplers: ['nowhere:Class']", "line 5: sampler 'nowhere:Class': cannot be imported"),
        ("windows: [{length: 8}]", "line 5: windows: key 'stride' is missing"),
        ("windows: [{length: 8, stride: 0}]", "line 5: stride: expected a whole number, 1 or more, got '0'"),
        ("drop: {rates: [1.5]}", "line 5: .*rate: expected 0 or more and below 1, got 1.5"),
        ("drop: {rates: [half]}", "line 5: rates: expected a number, got 'half'"),
        ("drop: {by: [lowest]}", "line 5: drop: key 'rates' is missing"),
        ("drop: {rates: [0.5], base: mdp3}", "line 5: .*base: expected one of uniform, random, top, bottom"),
        ("drop: {rates: [0.5], base: random}", "line 5: drop: add 'random' to samplers"),
        ("drop: {rates: [0.5], by: [best]}", "line 5: by: got 'best'; exists: highest, lowest, random"),
        ("transforms: [zscore]", "line 5: transforms: got 'zscore'; exists: cosine, logit, minmax, prob"),
        ("no_video: perhaps", "line 5: no_video: expected true or false, got 'perhaps'"),
        ("scoring: [words]", "line 5: scoring: got 'words'; exists: generate, letter, option"),
        ("option_orders: all", "line 5: option_orders: got 'all'; exists: cyclic, given"),
        ("seeds: [-1]", "line 5: seeds: expected a whole number, 0 or more, got '-1'"),
        ("variants: [no]", "line 5: variants: expected a text, got 'no'"),
        ("grid: ''", "line 5: grid: expected a text, got ''"),
        ("grid: 2020-13-45", "line 5: grid: expected a text, a number, true or false"),
        ("grid: !mine x", "line 5: grid: expected a text, a number, true or false"),
        ("grid: [", "line 6: expected YAML, got"),
    ],
)
def test_what_does_not_hold_is_named_with_its_line(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^sweep.yaml, {sentence}"):
        read(tmp_path, SMALLEST + line + "\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("version: 1\nstore: S\nmllms: [m]\n", "line 1: sweep: key 'questions' is missing"),
        (SMALLEST.replace("version: 1", "version: 2"), "line 1: version: this framedex reads version 1, got '2'"),
        ("- a\n", "line 1: sweep: expected keys and values, got a list"),
        ("", "the file is empty"),
        ("a: 1\n---\nb: 2\n", "expected YAML"),
        ("a: \x01\n", "expected YAML"),
    ],
)
def test_a_file_that_is_no_sweep(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read(tmp_path, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a sweep\.yaml"):
        read_config(tmp_path / "sweep.yaml")


SERVED = "version: 1\nstore: S\nquestions: [q.jsonl]\nmllms:\n"


def test_a_served_model_beside_one_that_is_loaded(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        f"""{SERVED}
  - micro-smolvlm
  - {{server: http://localhost:8000/v1, model: org/large-7b, concurrency: 64, image: jpeg, quality: 90, longest_edge: 768,
     max_tokens: 8, timeout_s: 60, patience_s: 0.5, key_env: MY_KEY}}
scoring: [letter, generate]
""",
    )
    served = ServedModel(
        url="http://localhost:8000/v1",
        model="org/large-7b",
        concurrency=64,
        image="jpeg",
        quality=90,
        longest_edge=768,
        max_tokens=8,
        timeout_s=60.0,
        patience_s=0.5,
        key_env="MY_KEY",
    )
    assert config.mllms == ("micro-smolvlm", served)


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ("{server: 'http://h/v1'}", "mllms: key 'model' is missing"),
        ("{server: h, model: m}", "server 'h': expected a URL such as http://localhost:8000/v1"),
        (
            "{server: 'http://h/v1', model: m, mode: letter}",
            "unknown key 'mode'; exists: .*model.*; did you mean 'model'",
        ),
        ("{server: 'http://h/v1', model: m, image: gif}", "image: got 'gif'; exists: jpeg, png"),
        ("{server: 'http://h/v1', model: m, concurrency: 0}", "concurrency: expected a whole number, 1 or more"),
        ("{server: 'http://h/v1', model: m, quality: 300}", "server http://h/v1: expected .* a quality of 1 to 100"),
        ("{server: 'http://h/v1?k=1', model: m}", "server: expected a URL without a user, key or query"),
    ],
)
def test_a_served_model_that_does_not_hold_is_named_with_its_line(tmp_path: Path, mapping: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=rf"^sweep\.yaml, line 5: {sentence}"):
        read(tmp_path, f"{SERVED}  - {mapping}\nscoring: [letter]\n")


@pytest.mark.parametrize(("scoring", "line"), [("", 5), ("scoring: [letter, option]\n", 6)])
def test_a_server_is_not_asked_for_the_likelihood_of_texts(tmp_path: Path, scoring: str, line: int) -> None:
    with pytest.raises(
        UsageError, match=rf"line {line}: scoring: a server does not say how likely an option's text is"
    ):
        read(tmp_path, f"{SERVED}  - {{server: 'http://h/v1', model: m}}\n{scoring}")
