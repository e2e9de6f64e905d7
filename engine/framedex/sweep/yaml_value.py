"""Values of a YAML file that know their line, so that every complaint can name it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from framedex.errors import UsageError, did_you_mean

T = TypeVar("T", bound=Hashable)


class YamlValue:
    """One value: a mapping, a list or a scalar. Every method raises UsageError, with file and line, where it does not hold.

    Args:
        file: the file's name, for messages.
        subject: what the value is, for messages: the key that it stands under.
        node: as PyYAML composed it.
        loader: makes Python values of scalars.
    """

    def __init__(self, file: str, subject: str, node: yaml.Node, loader: yaml.SafeLoader) -> None:
        self._file = file
        self._subject = subject
        self._node = node
        self._loader = loader

    @classmethod
    def read(cls, path: Path) -> YamlValue:
        """The whole of a file.

        Raises:
            UsageError: no such file, no text in UTF-8, no YAML, or empty.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read: {error}; expected a sweep.yaml") from error
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
            raise UsageError(f"{path.name}{line}: expected YAML, got {error.problem}") from error
        except yaml.YAMLError as error:
            raise UsageError(f"{path.name}: expected YAML, got {error}") from error
        if node is None:
            raise UsageError(f"{path}: the file is empty; expected a sweep.yaml")
        return cls(path.name, "sweep", node, loader)

    def error(self, text: str) -> UsageError:
        """A complaint about this value: `sweep.yaml, line 7: TEXT`."""
        return UsageError(f"{self._file}, line {self._node.start_mark.line + 1}: {text}")

    def fields(self, known: Collection[str], *, required: Collection[str] = ()) -> dict[str, YamlValue]:
        """A mapping's values by key; keys are among `known`, each once."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self._wrong("keys and values")
        values: dict[str, YamlValue] = {}
        for key_node, value_node in self._node.value:
            key = YamlValue(self._file, self._subject, key_node, self._loader)
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            if name not in known:
                raise key.error(f"unknown key {name!r}; {did_you_mean(name, known)}")
            if name in values:
                raise key.error(f"key {name!r} stands twice")
            values[name] = YamlValue(self._file, name, value_node, self._loader)
        for name in required:
            if name not in values:
                raise self.error(f"{self._subject}: key {name!r} is missing")
        return values

    def names(self) -> list[str]:
        """A mapping's keys as they are written, known or not."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self._wrong("keys and values")
        return [str(key.value) for key, _ in self._node.value]

    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self._node, yaml.MappingNode)

    def many(self, read: Callable[[YamlValue], T]) -> tuple[T, ...]:
        """A list of one or more different items, each read by `read`."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self._wrong("a list in brackets or dashes")
        if not self._node.value:
            raise self.error(f"{self._subject}: the list is empty; name one or more, or leave the key out")
        found: dict[T, None] = {}
        for node in self._node.value:
            item = YamlValue(self._file, self._subject, node, self._loader)
            value = read(item)
            if value in found:
                raise item.error(f"{self._subject}: {item.written()} stands twice")
            found[value] = None
        return tuple(found)

    def text(self) -> str:
        """A text that is not empty."""
        value = self.scalar()
        if not isinstance(value, str) or not value.strip():
            raise self._wrong("a text")
        return value

    def one_of(self, choices: Collection[str]) -> str:
        """One of some texts."""
        value = self.scalar()
        if value not in choices:
            raise self.error(f"{self._subject}: got {self.written()}; {did_you_mean(str(value), choices)}")
        return str(value)

    def integer(self, *, at_least: int) -> int:
        """A whole number."""
        value = self.scalar()
        if type(value) is not int or value < at_least:
            raise self._wrong(f"a whole number, {at_least} or more")
        return value

    def number(self) -> float:
        """A finite number."""
        value = self.scalar()
        if type(value) not in (int, float) or not math.isfinite(value):
            raise self._wrong("a number")
        return float(value)

    def boolean(self) -> bool:
        """True or false."""
        value = self.scalar()
        if type(value) is not bool:
            raise self._wrong("true or false")
        return value

    def scalar(self) -> Any:
        """A single value: text, number, true, false or null."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self._wrong("a single value")
        try:
            return self._loader.construct_object(self._node)
        except (yaml.YAMLError, ValueError) as error:  # a tag of somebody's own, or a date such as 2020-13-45
            raise self._wrong("a text, a number, true or false") from error

    def written(self) -> str:
        """The value as it stands in the file; of lists and mappings the kind only."""
        if isinstance(self._node, yaml.ScalarNode):
            return repr(self._node.value)
        return "keys and values" if self.is_mapping() else "a list"

    def _wrong(self, expected: str) -> UsageError:
        return self.error(f"{self._subject}: expected {expected}, got {self.written()}")
