"""Where a stored curve lies in a store, and what it is about (docs/format.md)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from framedex.index.place import is_grid_name
from framedex.keys import is_key, json_key
from framedex.visible import is_unicode

SUFFIX: Final = ".safetensors"
SET_NAME: Final = "set.json"

#: A prompt's text, or a question's id.
About = Literal["prompt", "question"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Subject:
    """What frames are scored for.

    Attributes:
        about: what `text` is.
        text: the prompt's text or the question's id; not blank, Unicode.
    """

    about: About
    text: str

    def __post_init__(self) -> None:
        if self.about not in ("prompt", "question"):
            raise ValueError(f"about: expected prompt or question, got {self.about!r}")
        if not self.text.strip():
            raise ValueError(f"text: expected a text that is not blank, got {self.text!r}")
        if not is_unicode(self.text):
            raise ValueError(f"text: expected Unicode, got half a character in {self.text!r}")

    @property
    def key(self) -> str:
        """32 hex digits."""
        return json_key([self.about, self.text])

    def __str__(self) -> str:
        return f"{self.about} {self.text!r}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ScorePlace:
    """One (set, grid, video, subject) of a store."""

    set_key: str
    grid: str
    video_key: str
    subject_key: str

    def __post_init__(self) -> None:
        keys = (("set", self.set_key), ("video_key", self.video_key), ("subject", self.subject_key))
        for name, key in keys:
            if not is_key(key):
                raise ValueError(f"{name}: expected 32 lower-case hex digits, got {key!r}")
        if not is_grid_name(self.grid):
            raise ValueError(f"grid: expected a name such as fps=1, got {self.grid!r}")

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Folders and name of the file below `S/scores`."""
        return self.set_key, self.grid, self.video_key[:2], f"{self.video_key}.{self.subject_key}{SUFFIX}"

    @classmethod
    def of(cls, parts: tuple[str, ...]) -> ScorePlace | None:
        """The place of these parts; None where they are not such a file's."""
        if len(parts) != 4:
            return None
        video_key, _, subject_key = parts[3].removesuffix(SUFFIX).partition(".")
        try:
            place = cls(set_key=parts[0], grid=parts[1], video_key=video_key, subject_key=subject_key)
        except ValueError:
            return None
        return place if place.parts == parts else None

    def path(self, root: Path) -> Path:
        """The file; `root` is `S/scores`."""
        return root.joinpath(*self.parts)
