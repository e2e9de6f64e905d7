"""The tree of errors is the table of exit codes."""

from __future__ import annotations

import re

import framedex.errors as tree
from framedex.errors import FramedexError, did_you_mean, first_line


def test_every_class_has_the_exit_code_that_the_tree_shows() -> None:
    shown = dict(re.findall(r"[├└]── (\w+) +(\d)", tree.__doc__ or ""))
    classes = {
        cls.__name__: cls for cls in vars(tree).values() if isinstance(cls, type) and issubclass(cls, FramedexError)
    }
    assert {name: classes[name].exit_code for name in shown} == {name: int(code) for name, code in shown.items()}
    listed = set(re.findall(r"[├└]── (\w+)", tree.__doc__ or "")) | {"FramedexError"}
    assert listed == set(classes)


def test_did_you_mean_lists_what_exists_and_the_nearest() -> None:
    assert did_you_mean("tpo", ["uniform", "top"]) == "exists: top, uniform; did you mean 'top'?"
    assert did_you_mean("zzz", ["top"]) == "exists: top"
    assert did_you_mean("x", []) == "none exists"


def test_a_librarys_dump_is_told_by_its_first_line() -> None:
    assert first_line(RuntimeError("\n no memory \nframe 1\nframe 2")) == "no memory"
    assert first_line(ValueError("field 'x':\n    no number\nframe 1")) == "field 'x': no number"
    assert first_line(ValueError("field 'x':")) == "field 'x':"
    assert first_line(EOFError()) == "EOFError"
    assert first_line(ValueError("x" * 200)) == "x" * 200
    assert first_line(ValueError("x" * 201)) == "x" * 199 + "…"
