"""Compares stores file by file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Identity = tuple[int, int, int]


def published(store: Path) -> set[str]:
    """Names of the files under index/, relative to it, without the temporary ones of writers."""
    root = store / "index"
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)) for path in files if not path.name.startswith(".")}


def committed(store: Path) -> dict[str, Identity]:
    """Inode, time of last change and size of both files of every row that is there whole."""
    root = store / "index"
    names = published(store)
    kept = {}
    for name in names:
        other = str(Path(name).with_suffix(".faiss" if name.endswith(".json") else ".json"))
        if other in names:
            status = (root / name).stat()
            kept[name] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return kept


def computed_again(before: dict[str, Identity], store: Path) -> list[str]:
    """Committed files that are gone or are another file now."""
    now = committed(store)
    return sorted(name for name, identity in before.items() if now.get(name) != identity)


def differences(store: Path, undisturbed: Path) -> list[str]:
    """How a store differs from one that was made without disturbance, a sentence each; none where they are equal."""
    got, expected = published(store), published(undisturbed)
    found = [f"{name}: not there" for name in sorted(expected - got)]
    found += [f"{name}: should not be there" for name in sorted(got - expected)]
    for name in sorted(got & expected):
        ours, theirs = ((root / "index" / name).read_bytes() for root in (store, undisturbed))
        if ours == theirs:
            continue
        if name.endswith(".json"):
            keys = differing_keys(json.loads(ours), json.loads(theirs))
            found.append(f"{name}: differs in {', '.join(keys) or 'form only'}")
        else:
            found.append(f"{name}: {len(ours)} bytes, not those of the undisturbed run ({len(theirs)})")
    return found + _quarantine_differences(store, undisturbed)


def differing_keys(ours: Any, theirs: Any, prefix: str = "") -> list[str]:
    """Dotted names of what differs between two JSON documents."""
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return [] if ours == theirs else [f"{prefix or 'the whole'}: {ours!r} instead of {theirs!r}"]
    return [
        difference
        for key in sorted(ours.keys() | theirs.keys())
        for difference in differing_keys(ours.get(key), theirs.get(key), f"{prefix}.{key}" if prefix else key)
    ]


def quarantined(store: Path) -> dict[str, dict[str, Any]]:
    """Entries of the quarantine by key."""
    entries = (json.loads(path.read_bytes()) for path in (store / "quarantine").glob("[!.]*.json"))
    return {entry["key"]: entry for entry in entries}


def _quarantine_differences(store: Path, undisturbed: Path) -> list[str]:
    """Attempts and times aside, which tell of the disturbance."""

    def lasting(root: Path) -> dict[str, dict[str, Any]]:
        names = ("paths", "error", "reason")
        return {key: {name: entry[name] for name in names} for key, entry in quarantined(root).items()}

    return [f"quarantine: {text}" for text in differing_keys(lasting(store), lasting(undisturbed))]
