"""Settings of the whole suite."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# The conformance suites are inherited, so one property runs on several classes: that is their purpose, and no flaw.
# Times differ between machines: no deadline. Examples are the same on every run: a failure can be repeated.
settings.register_profile(
    "framedex", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.differing_executors]
)
settings.load_profile("framedex")


def pytest_configure(config: pytest.Config) -> None:
    """A name in REQUIRE_BACKENDS that is no back end's would ask for nothing: it ends the run before any test."""
    if os.environ.get("REQUIRE_BACKENDS"):
        from contracts.backends import required

        required()
