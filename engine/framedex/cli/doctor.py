"""`framedex doctor`: what is installed, what works, what `auto` means here."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import sys
from typing import Any

import typer

import framedex
from framedex.cli import options
from framedex.cli.backends import NEVER_EXECUTED, decoder_states, embedder_states, pair_scorer_states, scorer_states
from framedex.cli.output import default_threads, print_json
from framedex.errors import ArtefactError, FramedexError, MissingDependency

_EXTRAS = {
    "core": ("numpy", "av", "Pillow", "tokenizers", "pyarrow", "pydantic", "PyYAML", "typer", "rich"),
    "cpu": ("onnxruntime", "faiss-cpu"),
    "gpu": ("torch", "onnx", "onnxruntime-gpu", "faiss-gpu", "nvidia-dali-cuda130", "tensorrt"),
    "export": ("torch", "transformers", "onnx", "onnxscript", "sentencepiece"),
    "mllm": ("torch", "transformers", "num2words"),
    "analysis": ("jinja2", "matplotlib", "PyWavelets", "scipy"),
}
#: What decodes where nothing else is asked for.
DECODER = "pyav"
_CODECS = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg")


def doctor(json: options.JsonOption = False) -> None:
    """Report versions, back ends and bundled models, and whether indexing and searching can work here.

    The exit code is 3 where something that they need is missing or broken.

    \b
    Examples:
      framedex doctor
      framedex doctor --json
    """
    report = examine()
    if json:
        print_json(report)
    else:
        _show(report)
    if report["problems"]:
        raise typer.Exit(MissingDependency.exit_code)


def examine() -> dict[str, Any]:
    """All findings as plain values; `problems` lists what stands in the way, each as a sentence."""
    problems: list[str] = []
    return {
        "framedex": framedex.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": default_threads(),
        "packages": {extra: {name: _version(name) for name in names} for extra, names in _EXTRAS.items()},
        "native": _attempt(problems, "native kernels", _native),
        "ffmpeg": _attempt(problems, "decoder 'pyav'", _ffmpeg),
        "decoders": _attempt(problems, "decoders", lambda: _checked(decoder_states(), DECODER, problems)),
        "embedders": _attempt(problems, "embedders", lambda: _embedders(problems)),
        "scorers": _attempt(problems, "scorers", lambda: _scorers(problems)),
        "pair scorers": _attempt(problems, "pair scorers", _pair_scorers),
        "samplers": list(framedex.samplers()),
        "encoders": _attempt(problems, "bundled encoders", _encoders),
        "never executed": list(NEVER_EXECUTED),
        "problems": problems,
    }


def _attempt(problems: list[str], subject: str, probe: Any) -> Any:
    try:
        return probe()
    except (ImportError, OSError, FramedexError) as error:
        problems.append(f"{subject}: {type(error).__name__}: {error}")
        return None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _native() -> dict[str, str]:
    from framedex import _native as native

    return {"simd": native.simd_level()}


def _ffmpeg() -> dict[str, Any]:
    import av

    codecs: dict[str, str | None] = {}
    for name in _CODECS:
        try:
            codecs[name] = av.Codec(name, "r").long_name
        except av.codec.codec.UnknownCodecError:
            codecs[name] = None
    return {"pyav": av.__version__, "version": av.ffmpeg_version_info, "codecs": codecs}


def _embedders(problems: list[str]) -> dict[str, str]:
    from framedex.embed import AUTO

    importlib.import_module("faiss")
    return _checked(embedder_states(), AUTO, problems)


def _scorers(problems: list[str]) -> dict[str, str]:
    from framedex.score import AUTO

    return _checked(scorer_states(), AUTO, problems)


def _pair_scorers() -> dict[str, str]:
    """As `_checked`; none is needed, since indexing and searching work without."""
    from framedex.pair import AUTO

    return {"auto": AUTO, **{name: needs or "available" for name, needs in pair_scorer_states().items()}}


def _checked(states: dict[str, str], auto: str, problems: list[str]) -> dict[str, str]:
    """What `auto` means, then each back end: "available", or what it needs. Only the one of `auto` is needed."""
    if states[auto]:
        problems.append(states[auto])
    return {"auto": auto, **{name: needs or "available" for name, needs in states.items()}}


def _encoders() -> dict[str, str]:
    from framedex.embed import BUNDLED
    from framedex.embed.artefact import Artefact

    found = {}
    for name in BUNDLED:
        manifest = Artefact.open(name).manifest
        found[name] = manifest.encoder_key
    if not found:
        raise ArtefactError("no bundled encoder")
    return found


def _show(report: dict[str, Any]) -> None:
    print(
        f"framedex {report['framedex']}, Python {report['python']}, {report['platform']}, {report['threads']} threads"
    )
    for extra, packages in report["packages"].items():
        have = ", ".join(f"{name} {version or 'MISSING'}" for name, version in packages.items())
        print(f"{extra:<10}{have}")
    if report["native"]:
        print(f"{'native':<10}{report['native']['simd']}")
    if report["ffmpeg"]:
        codecs = ", ".join(name if text else f"{name} MISSING" for name, text in report["ffmpeg"]["codecs"].items())
        print(f"{'ffmpeg':<10}{report['ffmpeg']['version']} (pyav {report['ffmpeg']['pyav']}): {codecs}")
    stages = (("decode", "decoders"), ("embed", "embedders"), ("score", "scorers"), ("pairs", "pair scorers"))
    for stage, key in stages:
        for name, state in (report[key] or {}).items():
            if name != "auto":
                shown = f"{name} (auto)" if name == report[key]["auto"] else name
                print(f"{stage:<10}{shown}: {state}")
    print(f"{'samplers':<10}{', '.join(report['samplers'])}")
    if report["encoders"]:
        print(f"{'bundled':<10}" + ", ".join(f"{name} ({key})" for name, key in report["encoders"].items()))
    print(f"{'never run':<10}{', '.join(report['never executed'])} (written and tested up to the device)")
    for problem in report["problems"]:
        print(f"problem: {problem}", file=sys.stderr)
    print("ready" if not report["problems"] else "not ready: run: pip install 'framedex[cpu]'")
