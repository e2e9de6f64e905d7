"""How a checkpoint's own `generate` writes without sampling: what generation_config.json asks for, and whether it is run here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from transformers import GenerationConfig

from framedex.errors import ArtefactError, first_line
from framedex.keys import Json
from framedex.mllm.checkpoint import read_json

FILE = "generation_config.json"

# Fields that change what is written where nothing is sampled, with the values that change nothing; None and [] never do.
_NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "begin_suppress_tokens": (),
    "bad_words_ids": (),
    "constraints": (),
    "diversity_penalty": (0,),
    "dola_layers": (),
    "encoder_no_repeat_ngram_size": (0,),
    "encoder_repetition_penalty": (1,),
    "exponential_decay_length_penalty": (),
    "force_words_ids": (),
    "forced_bos_token_id": (),
    "forced_eos_token_id": (),
    "guidance_scale": (1,),
    "max_time": (),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "no_repeat_ngram_size": (0,),
    "num_beam_groups": (1,),
    "num_beams": (1,),
    "penalty_alpha": (0,),
    "sequence_bias": (),
    "stop_strings": (),
    "suppress_tokens": (),
    "token_healing": (False,),
    "watermarking_config": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GreedyRules:
    """How answers are written.

    Attributes:
        stops: tokens that end an answer.
        repetition_penalty: > 0, 1 for none: logits of tokens that were read or written before are divided by it where they are
            positive, and multiplied where they are negative. Source: Keskar et al. 2019, section 4.1, as transformers applies it.
        foreign: fields that change what `generate` writes and that are not run here, with their values as text.
    """

    stops: frozenset[int] = frozenset()
    repetition_penalty: float = 1.0
    foreign: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, generation: Any, *, subject: Path) -> Self:
        """Those of a `GenerationConfig`.

        Args:
            generation: of the checkpoint.
            subject: where it was read from, for messages.

        Raises:
            ArtefactError: its ends are no token ids, or its penalty is no number above 0.
        """
        ends = generation.eos_token_id
        listed = ends if isinstance(ends, list) else [] if ends is None else [ends]
        if not all(isinstance(end, int) and not isinstance(end, bool) for end in listed):
            raise ArtefactError(f"{subject}: expected eos_token_id to be a token id or a list of them, got {ends!r}")
        penalty = 1.0 if generation.repetition_penalty is None else generation.repetition_penalty
        if isinstance(penalty, bool) or not isinstance(penalty, int | float) or not 0 < penalty < float("inf"):
            raise ArtefactError(f"{subject}: expected repetition_penalty to be a number above 0, got {penalty!r}")
        foreign = {
            name: repr(value)
            for name, neutral in _NEUTRAL.items()
            if (value := getattr(generation, name, None)) is not None and value not in ([], *neutral)
        }
        return cls(stops=frozenset(listed), repetition_penalty=float(penalty), foreign=foreign)

    @property
    def refusal(self) -> str:
        """Why no answer can be written as the checkpoint's own `generate` would; "" where it can."""
        if not self.foreign:
            return ""
        fields = ", ".join(f"{name} {value}" for name, value in sorted(self.foreign.items()))
        return f"{FILE} asks for {fields}, which framedex does not run; score by option or by letter"

    def as_json(self) -> Json:
        """For the MLLM key."""
        return {
            "stops": sorted(self.stops),
            "repetition_penalty": self.repetition_penalty,
            "foreign": dict(self.foreign),
        }


def read_generation(folder: Path) -> GenerationConfig | None:
    """A checkpoint's generation_config.json; None where there is none, and config.json decides.

    Raises:
        ArtefactError: no JSON object, or values that transformers does not take.
        StorageError: it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    fields = read_json(path)
    try:
        return GenerationConfig.from_dict(fields)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ArtefactError(f"{path}: how answers are written does not hold: {first_line(error)}") from error
