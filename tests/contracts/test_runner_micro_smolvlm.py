"""The bundled micro-smolvlm keeps the runner contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.runner_suite import RunnerSuite
from framedex.mllm import load_runner
from framedex.mllm.base import Runner


@pytest.fixture
def runner() -> Iterator[Runner]:
    with load_runner("micro-smolvlm", threads=1) as runner:
        yield runner


class TestMicroSmolVlm(RunnerSuite):
    """The suite."""


def test_it_goes_by_its_name(runner: Runner) -> None:
    assert runner.name == "micro-smolvlm"
