"""300 mixed files: does `framedex index` end with the right counts and a summary that a person can act on?

200 good videos of every codec and container here, 60 bad ones, 20 copies, 10 other files, 10 frame folders; names with line
breaks, escape sequences, quotes, markup, leading dashes, and bytes that are no text. Checked: the counts, reasons of one line,
nothing in the output that a terminal would take for a command, a rerun that writes nothing twice. What a terminal and a log file
show is kept under --work, to be read.

Run: python tests/stress/mixed_folder.py --work /tmp/mixed --out bench/results/stress_mixed.json (--quick: 60 files)
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import termios
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from stress.index_runs import FRAMEDEX, Ran, framedex
from stress.mixed_files import Mixed, make_mixed
from stress.script import Found, options, report, say, work_folder
from stress.stores import committed, computed_again, quarantined

OPTIONS = ("--encoder", "micro-siglip", "--fps", "2", "--folder-fps", "4")
LIMITS = ("--stall-limit", 20, "--time-limit", 60)
_LINE_BREAKS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


def check_counts(ran: Ran, mixed: Mixed, store: Path, found: Found) -> None:
    """The JSON document against what was made."""
    if ran.code != 1:
        found.problems.append(f"exit code {ran.code}, expected 1; stderr ends: {ran.err[-1500:]!r}")
        return
    document = json.loads(ran.out)
    for part in ("indexed", "skipped", "quarantined"):
        got, expected = len(document[part]), getattr(mixed, part)
        found.count(part, got)
        if got != expected:
            paths = sorted(Path(entry["path"]).name for entry in document[part])
            found.problems.append(f"{got} {part}, expected {expected}: {paths if part == 'quarantined' else ''}")
    found.count("ignored", document["ignored"])
    if document["ignored"] != mixed.ignored:
        found.problems.append(f"{document['ignored']} ignored, expected {mixed.ignored}")
    for entry in quarantined(store).values():
        found.count(f"quarantined.{entry['error']}")
    found.problems += [
        f"the reason is not one line: {entry['reason']!r}"
        for entry in document["quarantined"]
        if len(entry["reason"].splitlines()) != 1
    ]


def check_text(where: str, text: str, found: Found) -> None:
    """Nothing that a terminal takes for a command, and no line that a file's name began."""
    for line in text.split("\n"):
        strange = {
            char for char in line if (ord(char) < 32 and char != "\t") or char in _LINE_BREAKS or char == "\u202e"
        }
        if strange:
            found.problems.append(f"{where}: control characters {sorted(strange)} in {line!r}")
    if "Traceback" in text:
        found.problems.append(f"{where}: a traceback: {text[text.find('Traceback') :][:1500]!r}")


def on_a_terminal(*arguments: object) -> bytes:
    """What a person sees: the command with a terminal of 120 columns for both outputs."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    shown = bytearray()
    with subprocess.Popen([*FRAMEDEX, *map(str, arguments)], stdout=theirs, stderr=theirs, stdin=theirs):
        os.close(theirs)
        with contextlib.suppress(OSError):  # a terminal's end is an error of input
            while data := os.read(ours, 65536):
                shown += data
    os.close(ours)
    return bytes(shown)


def run(work: Path, *, scale: float, terminal: bool) -> Found:
    found = Found()
    mixed = make_mixed(work / "videos", scale=scale)
    say(f"{mixed.indexed + mixed.skipped + mixed.quarantined} inputs, {mixed.ignored} to be ignored")
    store = work / "S"
    index = ("index", mixed.folder, "--store", store, *OPTIONS, *LIMITS)
    first = framedex(*index, "--json", work=work)
    found.figures["index.seconds"] = (first.seconds, "s")
    say(f"first run: {first.seconds:.1f} s, exit code {first.code}")
    (work / "first.err").write_text(first.err)
    check_counts(first, mixed, store, found)
    check_text("stderr", first.err, found)
    before = committed(store)
    again = framedex(*index, work=work)
    found.figures["again.seconds"] = (again.seconds, "s")
    say(f"second run: {again.seconds:.1f} s, exit code {again.code}")
    (work / "again.txt").write_text(f"{again.out}\n--- stderr\n{again.err}")
    check_text("stdout of the second run", again.out, found)
    check_text("stderr of the second run", again.err, found)
    found.problems += [f"written twice: {name}" for name in computed_again(before, store)]
    listed = framedex("quarantine", store, work=work)
    (work / "quarantine.txt").write_text(f"{listed.out}\n--- stderr\n{listed.err}")
    check_text("framedex quarantine", listed.out, found)
    verified = framedex("verify", store, work=work)
    if verified.code != 0:
        found.problems.append(f"framedex verify: {verified.code}: {verified.out[-1000:]!r}")
    if terminal:
        shown = on_a_terminal("index", mixed.folder, "--store", work / "S-terminal", *OPTIONS, *LIMITS)
        (work / "terminal.raw").write_bytes(shown)
    return found


def main() -> int:
    given = options(__doc__ or "", trials=300, quick=60)
    with work_folder(given.work) as work:
        found = run(work, scale=given.trials / 300, terminal=given.work is not None)
    return report("stress_mixed", found, given, {"limits": " ".join(map(str, LIMITS))}, work=work)


if __name__ == "__main__":
    sys.exit(main())
