"""How often does each sampler of the demo catch the evidence, and is that the same on every run?

    python bench/demo.py --out bench/results/demo.json

Runs `framedex demo` twice in new folders and compares all figures. Nothing is timed, so there is no ceiling.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from typing import Any

from harness import Measured, arguments, report

SEED = 0


def demo(folder: str, clips: int) -> dict[str, Any]:
    """The figures of one run."""
    command = [sys.executable, "-c", "from framedex.cli import main; main()", "demo", "--output", folder, "--json"]
    run = subprocess.run(
        [*command, "--clips", str(clips), "--seed", str(SEED)], capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def add_options(_parser: argparse.ArgumentParser) -> None:
    """This bench has no options of its own."""


def main() -> int:
    """Run, compare, report."""
    assert __doc__ is not None
    options = arguments(__doc__, add_options)
    clips = 6 if options.quick else 24
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        result, again = demo(first, clips), demo(second, clips)
    rows = [Measured(name=row["name"], value=row["value"], unit=row["unit"]) for row in result["rows"]]
    equal = result == again
    report("demo", threads=1, config=result["config"], equal=equal, rows=rows, ratios={}, out=options.out)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
