"""Which back ends of decoding, embedding, scoring and pair scoring can be used here, and what the others need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

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


class _Closeable(Protocol):
    def close(self) -> None: ...


class _Nothing:
    def close(self) -> None:
        """Nothing was opened."""


def decoder_states() -> dict[str, str]:
    """Every decoder by name: "" where it can be used, else what it needs, in a sentence. No video is opened."""
    from framedex.decode import decoders, require_decoder

    def require(name: str) -> _Nothing:
        require_decoder(name)
        return _Nothing()

    return _states(decoders.names(), require)


def embedder_states() -> dict[str, str]:
    """Every embedder by name: "" where it can be used, else what it needs, in a sentence. No tower is loaded."""
    from framedex.embed import BUNDLED, embedders, load_embedder

    encoder = next(iter(BUNDLED))
    return _states(embedders.names(), lambda name: load_embedder(encoder, runtime=name))


def scorer_states() -> dict[str, str]:
    """Every scorer by name: "" where it can be used, else what it needs, in a sentence."""
    from framedex.score import load_scorer, scorers

    return _states(scorers.names(), load_scorer)


def pair_scorer_states() -> dict[str, str]:
    """Every pair scorers' runtime by name: "" where it can be used, else what it needs, in a sentence. No artefact is opened."""
    from framedex.pair import pair_scorers

    def require(name: str) -> _Nothing:
        pair_scorers.load(name)
        return _Nothing()

    return _states(pair_scorers.names(), require)


def _states(names: Iterable[str], make: Callable[[str], _Closeable]) -> dict[str, str]:
    states = {}
    for name in names:
        try:
            make(name).close()
            states[name] = ""
        except (MissingDependency, DeviceError) as error:
            states[name] = str(error)
        except (ImportError, OSError, RuntimeError, FramedexError) as error:  # there, and broken: in its own words
            states[name] = f"broken: {type(error).__name__}: {error}"
    return states
