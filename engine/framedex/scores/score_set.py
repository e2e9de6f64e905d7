"""A set of scores: all that one scorer gave, or all that was imported at once, and where it comes from (docs/format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from framedex.errors import StoreError
from framedex.index.strict_json import Fields, json_bytes, parse_json
from framedex.keys import KEY_LENGTH, Json, is_key, json_key

SET_VERSION: Final = 1

Kind = Literal["pair", "import"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSet:
    """One set of a store.

    Attributes:
        key: key of `identity` as canonical JSON.
        name: what people call it; not unique.
        kind: "pair" for a pair scorer's, "import" for the user's own.
        identity: what the scores depend on.
    """

    key: str
    name: str
    kind: Kind
    identity: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.name.strip() or is_key(self.name):
            raise ValueError(f"name: expected a name that is not blank and no key, got {self.name!r}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind: expected one of {', '.join(get_args(Kind))}, got {self.kind!r}")
        _check_identity(self.kind, self.name, self.identity)
        if json_key(self.identity) != self.key:
            raise ValueError(f"key: identity has the key {json_key(self.identity)}, got {self.key!r}")

    @classmethod
    def of_pair_scorer(cls, *, key: str, name: str, candidates: Candidates | None = None) -> ScoreSet:
        """The scores that a pair scorer gives to all frames, or to the best of an index."""
        identity: dict[str, Json] = {"kind": "pair", "scorer": key}
        if candidates is not None:
            identity["candidates"] = {"encoder": candidates.encoder_key, "top": candidates.top}
            name = f"{name}-top{candidates.top}-{candidates.encoder_name}"
        return cls(key=json_key(identity), name=name, kind="pair", identity=identity)

    @classmethod
    def of_import(cls, *, name: str, curves_key: str) -> ScoreSet:
        """Scores of the user's own; other curves are another set."""
        identity: dict[str, Json] = {"kind": "import", "name": name, "curves": curves_key}
        return cls(key=json_key(identity), name=name, kind="import", identity=identity)

    def to_json(self) -> bytes:
        """The file `set.json`."""
        return json_bytes(
            {
                "version": SET_VERSION,
                "key": self.key,
                "name": self.name,
                "kind": self.kind,
                "identity": dict(self.identity),
            }
        )

    @classmethod
    def from_json(cls, subject: str, data: bytes) -> ScoreSet:
        """Read a `set.json`; `subject` names it in messages.

        Raises:
            StoreError: any deviation from docs/format.md.
        """
        fields = Fields(subject, parse_json(subject, data), ("version", *cls.__dataclass_fields__))
        fields.version(SET_VERSION)
        try:
            return cls(
                key=fields.text("key"),
                name=fields.text("name"),
                kind=cast(Kind, fields.text("kind")),
                identity=fields.mapping("identity"),
            )
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{subject}: {error}") from error


def _check_identity(kind: Kind, name: str, identity: Mapping[str, Any]) -> None:
    if identity.get("kind") != kind:
        raise ValueError(f"identity: expected the kind {kind!r}, got {identity.get('kind')!r}")
    if kind == "import":
        holds = (
            set(identity) == {"kind", "name", "curves"} and identity["name"] == name and _has_key(identity, "curves")
        )
    else:
        candidates = identity.get("candidates", {"encoder": "0" * KEY_LENGTH, "top": 1})
        holds = (
            set(identity) - {"candidates"} == {"kind", "scorer"}
            and _has_key(identity, "scorer")
            and isinstance(candidates, dict)
            and set(candidates) == {"encoder", "top"}
            and _has_key(candidates, "encoder")
            and type(candidates["top"]) is int
            and candidates["top"] >= 1
        )
    if not holds:
        raise ValueError(f"identity: is not that of a set of the kind {kind!r}, got {dict(identity)}")


def _has_key(value: Mapping[str, Any], name: str) -> bool:
    return isinstance(value[name], str) and is_key(value[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Frames that are worth scoring: for each text the best of an index.

    Attributes:
        encoder_key: of the index.
        encoder_name: for people.
        top: how many, >= 1.
    """

    encoder_key: str
    encoder_name: str
    top: int

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"top: expected 1 frame or more, got {self.top}")
