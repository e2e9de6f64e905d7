"""`manifest.json` of a pair scorer's artefact: what framedex knows of a network over frame and text, and the check of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from framedex.embed.manifest import (
    MANIFEST_NAME,
    PAIR_FORMAT,
    Count,
    FileEntry,
    ImageRules,
    Provenance,
    Record,
    Sha256,
    TextRules,
    check_files,
    read_json,
    validate_record,
)
from framedex.embed.reference import REFERENCE_NAME
from framedex.errors import ArtefactError
from framedex.keys import Json, json_key
from framedex.pair.frame_score import MASK_RULES, MATCH_RULES, MaskRule, MatchRule

FORMAT: Final = PAIR_FORMAT
VERSION: Final = 1

PairFamily = Literal["cris-mask", "clipseg", "blip-itm"]
Rule = MaskRule | MatchRule
Distance = Annotated[float, Field(ge=0)]


class Value(Record):
    """An input or output of a graph; the shape is that of one frame, text or pair."""

    name: Annotated[str, Field(min_length=1)]
    dtype: Literal["uint8", "int64", "float32"]
    shape: tuple[Count, ...]


class Graph(Record):
    """An ONNX file, its inputs in order and its outputs."""

    file: str
    inputs: Annotated[tuple[Value, ...], Field(min_length=1)]
    outputs: Annotated[tuple[Value, ...], Field(min_length=1)]


class Graphs(Record):
    """The network in parts, each of which runs as seldom as it can."""

    frame: Graph = Field(description="n frames to what of them does not depend on any text")
    text: Graph | None = Field(default=None, description="m texts to what of them does not depend on any frame")
    pair: Graph = Field(
        description="what the frame graph gives of one frame, with a first dimension of 1, and what the text graph gives of k "
        "texts, or their ids where there is no text graph, to k maps of logits, or k logits"
    )


class FrameScore(Record):
    """How one number is made of what the pair graph gives: `framedex.pair.frame_score`."""

    rule: Rule = Field(description="where the caller names none")
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="a probability, for the rule `area`; with maps only"
    )


class RuleParity(Record):
    """A rule's scores against those of the same rule over torch's outputs."""

    max_difference: Distance
    rank_agreement: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="share of `ranked` in the same order as torch's; absent where there are none"
    )
    ranked: Annotated[int, Field(ge=0)] = Field(
        description="pairs of pictures that torch scores differently for a text, over all texts"
    )


class PairParity(Record):
    """What was measured against the torch model, run whole, before the artefact was written."""

    images: Count
    texts: Count
    tokenizer_texts: Count = Field(description="texts whose ids are equal, one by one")
    preprocessing_max_grey_levels: Annotated[int, Field(ge=0, le=255)]
    output_max_difference: Distance = Field(description="of logits, over all cells of all pairs")
    output_deviation: Distance = Field(description="standard deviation of torch's logits over the same")
    scores: dict[Rule, RuleParity]


class PairManifest(Record):
    """A pair scorer's description.

    `parity` is None only while the exporter has not measured yet; no manifest on disk is without it.
    """

    format: Literal["framedex-pair-artefact"]
    version: Literal[1]
    name: Annotated[str, Field(min_length=1)]
    family: PairFamily
    image: ImageRules
    text: TextRules
    weights_sha256: Sha256 = Field(description="of the checkpoint's file of weights; of names and digests of several")
    graphs: Graphs
    score: FrameScore
    precision: Literal["fp32"]
    files: dict[str, FileEntry]
    parity: PairParity | None
    provenance: Provenance

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        frame, text, pair = self.graphs.frame, self.graphs.text, self.graphs.pair
        check_files(self.files, [graph.file for graph in (frame, text, pair) if graph is not None], self.text)
        _require("graphs.frame.inputs", frame.inputs, (_value(frame, "uint8", (*self.image.size, 3)),))
        ids = _value(text or pair, "int64", (self.text.max_length,))
        if text is not None:
            _require("graphs.text.inputs", text.inputs, (ids,))
        words = (pair.inputs[-1].model_copy(update={"dtype": ids.dtype, "shape": ids.shape}),)
        _require("graphs.pair.inputs", pair.inputs, (*frame.outputs, *(text.outputs if text is not None else words)))
        if len(pair.outputs) != 1 or pair.outputs[0].dtype != "float32" or len(pair.outputs[0].shape) not in (0, 2):
            raise ValueError(
                f"graphs.pair.outputs: expected one float32, a map or a number, got {_shown(pair.outputs)}"
            )
        if self.score.rule not in self.rules:
            raise ValueError(f"score.rule: expected one of {', '.join(self.rules)}, got {self.score.rule!r}")
        if (self.score.threshold is not None) != self.gives_maps:
            raise ValueError(f"score.threshold: expected with maps and only there, got {self.score.threshold}")
        return self

    @property
    def gives_maps(self) -> bool:
        """Whether the network gives a map for each pair, and not one number."""
        return bool(self.graphs.pair.outputs[0].shape)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that fit what the network gives."""
        return MASK_RULES if self.gives_maps else MATCH_RULES

    def identity(self) -> dict[str, Json]:
        """What makes two artefacts the same network: weights, preprocessing and text rules."""
        return pair_identity(family=self.family, weights_sha256=self.weights_sha256, image=self.image, text=self.text)

    @property
    def network_key(self) -> str:
        """Key of `identity`: 32 hex digits, written into the graphs."""
        return json_key(self.identity())

    def scorer_key(self, rule: Rule) -> str:
        """Key of the network with a rule: 32 hex digits."""
        settings: dict[str, Json] = {"rule": rule} | ({"threshold": self.score.threshold} if rule == "area" else {})
        return json_key({**self.identity(), "score": settings})

    def to_json(self) -> str:
        """The text of `manifest.json`; what the family does not have is left out."""
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"


def pair_identity(*, family: PairFamily, weights_sha256: str, image: ImageRules, text: TextRules) -> dict[str, Json]:
    """What a network's key is the key of; runtime, precision, names, notes, parity and versions are not in it."""
    return {
        "family": family,
        "weights_sha256": weights_sha256,
        "image": image.model_dump(mode="json", exclude={"note"}, exclude_none=True),
        "text": text.model_dump(mode="json", exclude={"note"}, exclude_none=True),
    }


def read_pair_manifest(folder: Path) -> PairManifest:
    """Read and check the manifest of the artefact in `folder`; its files are `PairArtefact.open`'s to check.

    Raises:
        UsageError: there is no such folder.
        ArtefactError: the folder holds no manifest, or one that does not hold, and why.
    """
    return validate_pair_manifest(read_json(folder, what="pair scorer's artefact"), subject=str(folder / MANIFEST_NAME))


def validate_pair_manifest(value: Any, *, subject: str) -> PairManifest:
    """Turn a parsed `manifest.json` into a PairManifest.

    Raises:
        ArtefactError: the first thing that is wrong with it, as subject, field, got and expected.
    """
    manifest = validate_record(PairManifest, value, subject=subject, form=FORMAT, version=VERSION)
    if manifest.parity is None:
        raise ArtefactError(f"{subject}: parity was never measured; export it again")
    if REFERENCE_NAME not in manifest.files:
        raise ArtefactError(
            f"{subject}: has no reference scores ({REFERENCE_NAME}), which a pair scorer is proved against before it is used; "
            "export it again with --force"
        )
    return manifest


def _value(graph: Graph, dtype: Literal["uint8", "int64"], shape: tuple[int, ...]) -> Value:
    return Value(name=graph.inputs[0].name, dtype=dtype, shape=shape)


def _require(field: str, got: tuple[Value, ...], expected: tuple[Value, ...]) -> None:
    if got != expected:
        raise ValueError(f"{field}: expected {_shown(expected)}, got {_shown(got)}")


def _shown(values: tuple[Value, ...]) -> str:
    return ", ".join(f"{value.name} {value.dtype} {list(value.shape)}" for value in values)
