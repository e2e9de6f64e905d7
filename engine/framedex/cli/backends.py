"""Which back ends of decoding, embedding, scoring and pair scoring can be used here, and what the others need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from framedex.errors import DeviceError, FramedexError, MissingDependency

#: Written, type-checked and tested up to the device; nobody has run them yet.
NEVER_EXECUTED: Final = (
    "decoder dali-gpu",
    "embedder onnxruntime-cuda",
    "embedder tensorrt",
    "embedder torch-cuda",
    "embedder torch-cuda-compiled",
    "scorer torch-cuda",
    "scorer faiss-gpu",
)


def decoder_states() -> dict[str, str]:
    """Every decoder by name: "" where it can be used, else what it needs, in a sentence. No video is opened."""
    from framedex.decode import decoders, require_decoder

    return _states(decoders.names(), require_decoder)


def embedder_states() -> dict[str, str]:
    """Every embedder by name: "" where it can be used, else what it needs, in a sentence. No tower is loaded."""
    from framedex.embed import BUNDLED, embedders, load_embedder

    encoder = next(iter(BUNDLED))
    return _states(embedders.names(), lambda name: load_embedder(encoder, runtime=name).close())


def scorer_states() -> dict[str, str]:
    """Every scorer by name: "" where it can be used, else what it needs, in a sentence."""
    from framedex.score import load_scorer, scorers

    return _states(scorers.names(), lambda name: load_scorer(name).close())


def pair_scorer_states() -> dict[str, str]:
    """Every pair scorers' runtime by name: "" where it can be used, else what it needs, in a sentence. No artefact is opened."""
    from framedex.pair import pair_scorers

    return _states(pair_scorers.names(), pair_scorers.load)


def _states(names: Iterable[str], require: Callable[[str], object]) -> dict[str, str]:
    states = {}
    for name in names:
        try:
            require(name)
            states[name] = ""
        except (MissingDependency, DeviceError) as error:
            states[name] = str(error)
        except (ImportError, OSError, RuntimeError, FramedexError) as error:  # there, and broken: in its own words
            states[name] = f"broken: {type(error).__name__}: {error}"
    return states
