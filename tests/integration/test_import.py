"""Importing framedex, and asking for help, pulls in nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"av", "faiss", "onnxruntime", "torch", "transformers", "PIL", "pyarrow", "pydantic", "yaml", "typer", "rich"}
HEAVY |= {"scipy", "matplotlib", "jinja2", "tokenizers", "onnx"}


def modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_import_is_light() -> None:
    assert modules_after(
        "import framedex; framedex.samplers(); framedex.select('top', [1, 2, 3], budget=1)"
    ).isdisjoint(HEAVY)


def test_a_decode_process_starts_with_what_it_needs_only() -> None:
    """A run waits for its start. What checks manifests and what keeps stores is the parent's."""
    modules = modules_after("import framedex.ingest.worker")
    assert modules.isdisjoint(
        (HEAVY - {"av", "numpy", "PIL"}) | {"pydantic", "framedex.index", "framedex.embed.manifest"}
    )
    assert "framedex.decode.base" in modules


def test_help_is_light() -> None:
    heavy = HEAVY - {"typer", "rich"}
    assert modules_after("import framedex.cli.app").isdisjoint(heavy)


@pytest.mark.parametrize(
    "name", ["Store", "VideoIndex", "Selection", "load_encoder", "FramedexError", "select", "samplers"]
)
def test_the_names_of_the_api_are_there(name: str) -> None:
    import framedex

    assert callable(getattr(framedex, name))
    assert name in framedex.__all__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import framedex

    with pytest.raises(AttributeError, match="no attribute 'Stor'"):
        framedex.Stor  # noqa: B018
