"""Settings of the whole suite."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# The conformance suites are inherited, so one property runs on several classes: that is their purpose, and no flaw.
# Times differ between machines: no deadline. Examples are the same on every run: a failure can be repeated.
settings.register_profile(
    "framedex", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.differing_executors]
)
settings.load_profile("framedex")


def pytest_configure(config: pytest.Config) -> None:
    """Before any test.

    A name in REQUIRE_BACKENDS that is no back end's would ask for nothing: it ends the run. What a shell runs in the background
    ignores Ctrl-C, and so would the commands that tests start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("REQUIRE_BACKENDS"):
        from contracts.backends import required

        required()
