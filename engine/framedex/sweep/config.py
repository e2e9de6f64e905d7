"""sweep.yaml: what is swept, as it was written and checked line by line; nothing is looked up yet.

    version: 1                    always
    store: S                      always; made by `framedex index`
    questions: [q.jsonl]          always; manifests
    mllms: [micro-smolvlm]        always; bundled names, checkpoint folders, names of the hub, or models that a server holds:
                                  {server: http://localhost:8000/v1, model: NAME} (docs/serving.md)
    grid: fps=1                   the store's only one where not given
    encoders: [micro-siglip]      the store's only one where not given; names, keys, artefact folders, or {scores: NAME}
    variants: [question]          prompts that choose frames: question, answer (the gold option), or a column of the manifest's
                                  `variants`, which may be several texts that are combined
    transforms: [cosine]          of the scores: cosine (none), logit, prob or minmax
    samplers: [uniform, top]      names, or {name: window-top, length: 8}, which is "window-top:length=8", too
    budgets: [8]                  frames
    selections: [{file: bolt.json, name: bolt-paper}]      frames that were chosen elsewhere (docs/interchange.md); none where not
                                  given; a .parquet file says itself what chose them
    windows: [{length: 8, stride: 4}]                      the sliding-window oracle; none where not given
    drop: {rates: [0.25, 0.5], base: uniform, by: [lowest]}    the drop curve; none where not given; base is among samplers
    no_video: false               ask without any frame, too
    scoring: [option]             option, letter, or generate (the model writes its answer)
    option_orders: cyclic         all rotations of the options, or given: only as listed
    seeds: [0]                    of whatever is drawn

Paths are relative to the file's folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast, get_args

from framedex.errors import UsageError
from framedex.mllm.base import Scoring
from framedex.mllm.served_model import ImageFormat, ServedModel
from framedex.scores.transform import Transform
from framedex.select import Sampler, make_sampler, read_sampler
from framedex.select.drop import By, Drop
from framedex.sweep.given import GivenFile
from framedex.sweep.yaml_value import YamlValue

CONFIG_VERSION = 1

OptionOrders = Literal["cyclic", "given"]

_REQUIRED = ("version", "store", "questions", "mllms")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """Windows of `length` frames, `stride` frames apart."""

    length: int
    stride: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScores:
    """Scores of the store in an encoder's place, by name or key: `{scores: NAME}`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepConfig:
    """A checked sweep.yaml; the attributes are its keys.

    Attributes:
        folder: of the file: paths that were written relative have been joined to it.
        grid: name, or None for the store's only grid.
        encoders: as written; empty for the store's only encoder.
        selections: files of frames that were chosen elsewhere.
        drop: the drop samplers; their base, which the curve is compared with, is among `samplers`.
    """

    folder: Path
    store: Path
    questions: tuple[Path, ...]
    mllms: tuple[str | ServedModel, ...]
    grid: str | None = None
    encoders: tuple[str | StoredScores, ...] = ()
    variants: tuple[str, ...] = ("question",)
    transforms: tuple[Transform, ...] = ("cosine",)
    samplers: tuple[Sampler, ...] = field(default_factory=lambda: (make_sampler("uniform"), make_sampler("top")))
    budgets: tuple[int, ...] = (8,)
    selections: tuple[GivenFile, ...] = ()
    windows: tuple[WindowRule, ...] = ()
    drop: tuple[Sampler, ...] = ()
    no_video: bool = False
    scoring: tuple[Scoring, ...] = ("option",)
    option_orders: OptionOrders = "cyclic"
    seeds: tuple[int, ...] = (0,)


def read_config(path: Path) -> SweepConfig:
    """Read a sweep.yaml.

    Raises:
        UsageError: anything that does not hold, with its line: an unknown key (did you mean), a value of another type, an
            empty list, something that stands twice.
    """
    known = [name for name in SweepConfig.__dataclass_fields__ if name != "folder"]
    fields = YamlValue.read(path).fields(["version", *known], required=_REQUIRED)
    if fields["version"].scalar() != CONFIG_VERSION:
        raise fields["version"].error(f"version: this framedex reads version 1, got {fields['version'].written()}")
    folder = path.absolute().parent
    given = {name: read(fields[name]) for name, read in _READERS.items() if name in fields}
    config = SweepConfig(
        folder=folder,
        store=folder / Path(fields["store"].text()).expanduser(),
        questions=fields["questions"].many(lambda item: folder / Path(item.text()).expanduser()),
        selections=fields["selections"].many(lambda item: _given_file(item, folder)) if "selections" in fields else (),
        **given,
    )
    bases = {cast(Drop, sampler).base for sampler in config.drop} - {sampler.name for sampler in config.samplers}
    for base in bases:
        raise fields["drop"].error(f"drop: add {base!r} to samplers; its whole selection is what the curve starts from")
    if "option" in config.scoring and any(isinstance(mllm, ServedModel) for mllm in config.mllms):
        raise fields.get("scoring", fields["mllms"]).error(
            "scoring: a server does not say how likely an option's text is; use scoring: [letter] or [generate]"
        )
    return config


def _encoder(value: YamlValue) -> str | StoredScores:
    if not value.is_mapping():
        return value.text()
    return StoredScores(name=value.fields(("scores",), required=("scores",))["scores"].text())


def _mllm(value: YamlValue) -> str | ServedModel:
    if not value.is_mapping():
        return value.text()
    readers: dict[str, Callable[[YamlValue], Any]] = {
        "concurrency": lambda item: item.integer(at_least=1),
        "image": lambda item: item.one_of(get_args(ImageFormat)),
        "quality": lambda item: item.integer(at_least=1),
        "longest_edge": lambda item: item.integer(at_least=1),
        "max_tokens": lambda item: item.integer(at_least=1),
        "timeout_s": YamlValue.number,
        "patience_s": YamlValue.number,
        "key_env": YamlValue.text,
    }
    fields = value.fields(("server", "model", *readers), required=("server", "model"))
    given = {name: read(fields[name]) for name, read in readers.items() if name in fields}
    try:
        return ServedModel(url=fields["server"].text(), model=fields["model"].text(), **given)
    except UsageError as error:
        raise value.error(str(error)) from error


def _sampler(value: YamlValue) -> Sampler:
    if value.is_mapping():
        fields = value.fields(value.names(), required=["name"])
        name = fields.pop("name").text()
        make = partial(make_sampler, name, **{key: field.scalar() for key, field in fields.items()})
    else:
        make = partial(read_sampler, value.text())
    try:
        return make()
    except UsageError as error:
        raise value.error(str(error)) from error


def _given_file(value: YamlValue, folder: Path) -> GivenFile:
    fields = {"file": value} if not value.is_mapping() else value.fields(("file", "name"), required=["file"])
    path = folder / Path(fields["file"].text()).expanduser()
    if path.suffix == ".json" and "name" not in fields:
        raise value.error("selections: a .json file does not say what chose its frames; write {file: …, name: …}")
    if path.suffix != ".json" and "name" in fields:
        raise value.error("selections: name is for a .json file; others say what chose their frames")
    return GivenFile(path=path, name=fields["name"].text() if "name" in fields else "")


def _window(value: YamlValue) -> WindowRule:
    fields = value.fields(("length", "stride"), required=("length", "stride"))
    return WindowRule(length=fields["length"].integer(at_least=1), stride=fields["stride"].integer(at_least=1))


def _drop(value: YamlValue) -> tuple[Sampler, ...]:
    fields = value.fields(("base", "rates", "by"), required=["rates"])
    rates = fields["rates"].many(YamlValue.number)
    by: tuple[str, ...] = ("lowest",)
    if "by" in fields:
        by = fields["by"].many(lambda item: item.one_of(get_args(By)))
    base = fields["base"].text() if "base" in fields else "uniform"
    try:
        return tuple(make_sampler("drop", base=base, rate=rate, by=rule) for rule in by for rate in rates)
    except UsageError as error:
        raise value.error(str(error)) from error


_READERS: dict[str, Callable[[YamlValue], Any]] = {
    "mllms": lambda value: value.many(_mllm),
    "grid": YamlValue.text,
    "encoders": lambda value: value.many(_encoder),
    "variants": lambda value: value.many(YamlValue.text),
    "transforms": lambda value: value.many(lambda item: item.one_of(get_args(Transform))),
    "samplers": lambda value: value.many(_sampler),
    "budgets": lambda value: value.many(lambda item: item.integer(at_least=1)),
    "windows": lambda value: value.many(_window),
    "drop": _drop,
    "no_video": YamlValue.boolean,
    "scoring": lambda value: value.many(lambda item: item.one_of(get_args(Scoring))),
    "option_orders": lambda value: value.one_of(get_args(OptionOrders)),
    "seeds": lambda value: value.many(lambda item: item.integer(at_least=0)),
}
