"""What a store says of an encoder whose vectors it holds (docs/format.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from framedex.errors import StoreError
from framedex.index.faiss_file import DIM_MAX
from framedex.index.strict_json import Fields, json_bytes, parse_json
from framedex.keys import json_key

ENCODER_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderEntry:
    """One encoder of a store.

    Attributes:
        key: the encoder key: key of `identity` as canonical JSON.
        name: what people call it; not unique.
        dim: dimension of its vectors.
        artefact: folder or bundled name of the artefact that first wrote here, to help people find it; it may have moved.
        identity: weights, preprocessing and text rules, in full.
    """

    key: str
    name: str
    dim: int
    artefact: str
    identity: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name: expected a name, got an empty text")
        if not 1 <= self.dim <= DIM_MAX:
            raise ValueError(f"dim: expected 1 to {DIM_MAX}, got {self.dim}")
        if json_key(self.identity) != self.key:
            raise ValueError(f"key: identity has the key {json_key(self.identity)}, got {self.key!r}")

    def to_json(self) -> bytes:
        """The encoder file."""
        return json_bytes(
            {
                "version": ENCODER_VERSION,
                "key": self.key,
                "name": self.name,
                "dim": self.dim,
                "artefact": self.artefact,
                "identity": dict(self.identity),
            }
        )

    @classmethod
    def from_json(cls, subject: str, data: bytes) -> EncoderEntry:
        """Read an encoder file; `subject` names it in messages.

        Raises:
            StoreError: any deviation from docs/format.md.
        """
        fields = Fields(subject, parse_json(subject, data), ("version", *cls.__dataclass_fields__))
        fields.version(ENCODER_VERSION)
        try:
            return cls(
                key=fields.text("key"),
                name=fields.text("name"),
                dim=fields.integer("dim"),
                artefact=fields.text("artefact"),
                identity=fields.mapping("identity"),
            )
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{subject}: {error}") from error
