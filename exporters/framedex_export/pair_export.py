"""The whole way from a checkpoint of a pair network to a pair scorer's artefact in its place, the same for every family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from framedex.embed.manifest import TOKENIZER_NAME
from framedex.errors import ArtefactError, UsageError
from framedex.keys import Json, json_key
from framedex.pair.artefact import PairArtefact
from framedex.pair.frame_score import MASK_RULES, MATCH_RULES
from framedex.pair.manifest import (
    FORMAT,
    VERSION,
    FrameScore,
    Graph,
    Graphs,
    PairManifest,
    Value,
    pair_identity,
)
from framedex_export import pair_parity
from framedex_export.export import Report, provenance
from framedex_export.families import PairFamily, pair_families
from framedex_export.onnx_export import export_graph
from framedex_export.pair_reference import write_pair_reference
from framedex_export.tokenizer import WrittenTokenizer, write_tokenizer
from framedex_export.write import is_occupied, list_files, publish, require_artefact, staging

_PIXELS, _IDS, _LOGITS = "pixels", "ids", "logits"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairExportResult:
    """What became of an export.

    Attributes:
        artefact: in its place, opened and proved.
        written: False where an artefact of the same network and rule was there already and was left alone.
    """

    artefact: PairArtefact
    written: bool


def export_pair_scorer(
    family: str,
    checkpoint: Path,
    target: Path,
    *,
    name: str | None = None,
    rule: str | None = None,
    force: bool = False,
    report: Report,
    **options: int,
) -> PairExportResult:
    """Make a pair scorer's artefact of a checkpoint, measure it against the checkpoint, and put it in its place.

    Args:
        family: a name of `pair_families`.
        checkpoint: the folder, or for CRIS the file, of the checkpoint.
        target: the artefact's folder; made, with its parents.
        name: the scorer's name for people; the target folder's where None.
        rule: what makes one number of the network's output where a user names none; the family's where None.
        force: replace an artefact that is there.
        report: is told each step, in words.
        options: of the family.

    Raises:
        UsageError: unknown family or rule, no checkpoint there, or the target holds something else.
        ArtefactError: the checkpoint does not hold, or the artefact does not reach parity; the target is as it was.
        DeviceError: the artefact's graphs cannot be run, or do not give its reference set; the target is as it was.
        StorageError: the target cannot be written.
    """
    target = target.resolve()
    if is_occupied(target):
        require_artefact(target)
    read = pair_families.load(family)
    report(f"reading {checkpoint}")
    network = read(checkpoint, **options)
    score = chosen_score(network, rule)
    with staging(target) as folder:
        report("writing and checking the tokenizer")
        tokenizer = write_tokenizer(network.text, network.tokenizers(), folder / TOKENIZER_NAME)
        if is_occupied(target) and not force:
            return PairExportResult(artefact=_same_network(target, network, tokenizer, score), written=False)
        graphs = _export_graphs(network, tokenizer, folder, report)
        report("writing the reference set")
        write_pair_reference(network, folder)
        draft = _describe(network, tokenizer, folder, graphs=graphs, name=name or target.name, score=score)
        report("measuring parity against torch")
        built = PairArtefact(folder=folder, manifest=draft)
        measured = pair_parity.measure(network, built, tokenizer_texts=tokenizer.texts)
        pair_parity.require(measured)
        pair_parity.prove(built)
        publish(folder, target, draft.model_copy(update={"parity": measured}).to_json())
    return PairExportResult(artefact=PairArtefact.open(target), written=True)


def chosen_score(network: PairFamily, rule: str | None) -> FrameScore:
    """The family's score with the rule that was asked for.

    Raises:
        UsageError: the rule does not fit what the network gives.
    """
    if rule is None:
        return network.score
    rules = MATCH_RULES if network.score.threshold is None else MASK_RULES
    if rule not in rules:
        raise UsageError(f"--rule: expected {', '.join(rules)} for {network.name}, got {rule!r}")
    return network.score.model_copy(update={"rule": rule})


def _same_network(target: Path, network: PairFamily, tokenizer: WrittenTokenizer, score: FrameScore) -> PairArtefact:
    """The artefact that is already there, if it is sound, of this very network, and scores by the same rule."""
    try:
        there = PairArtefact.open(target)
    except ArtefactError as error:
        raise ArtefactError(f"{error} (--force replaces it)") from error
    if there.manifest.identity() != _identity(network, tokenizer) or there.manifest.score != score:
        raise UsageError(
            f"{target}: holds another pair scorer ({there.manifest.name!r}, network {there.manifest.network_key}, rule "
            f"{there.manifest.score.rule}); name another output folder, or --force to replace it"
        )
    return there


def _identity(network: PairFamily, tokenizer: WrittenTokenizer) -> dict[str, Json]:
    return pair_identity(
        family=network.name, weights_sha256=network.weights_sha256, image=network.image, text=tokenizer.rules
    )


def _export_graphs(network: PairFamily, tokenizer: WrittenTokenizer, folder: Path, report: Report) -> Graphs:
    """Write the graphs; what each takes and gives is seen by running its part once."""
    key = json_key(_identity(network, tokenizer))
    pixels = {_PIXELS: torch.zeros(2, *network.image.size, 3, dtype=torch.uint8)}
    report("exporting the frame graph")
    frame, features = _export(network.frame_part(), pixels, folder, "frame.onnx", network.features, key)
    words = {_IDS: torch.full((2, tokenizer.rules.max_length), tokenizer.rules.eos_id, dtype=torch.int64)}
    text, part = None, network.text_part()
    if part is not None:
        report("exporting the text graph")
        text, words = _export(part, words, folder, "text.onnx", network.words, key)
    report("exporting the pair graph")
    one_frame = {name: values[:1] for name, values in features.items()}
    pair, _ = _export(network.pair_part(), {**one_frame, **words}, folder, "pair.onnx", (_LOGITS,), key)
    return Graphs(frame=frame, text=text, pair=pair)


def _export(
    part: nn.Module, inputs: Mapping[str, Tensor], folder: Path, file: str, outputs: Sequence[str], key: str
) -> tuple[Graph, dict[str, Tensor]]:
    """Export one part: its graph, and what it gives for the inputs."""
    with torch.no_grad():
        given = part.eval()(*inputs.values())
    values = dict(zip(outputs, given if isinstance(given, tuple) else (given,), strict=True))
    export_graph(part, inputs, folder / file, outputs=outputs, encoder_key=key)
    return Graph(file=file, inputs=_values(inputs), outputs=_values(values)), values


def _values(tensors: Mapping[str, Tensor]) -> tuple[Value, ...]:
    return tuple(
        Value.model_validate(
            {"name": name, "dtype": str(tensor.dtype).removeprefix("torch."), "shape": tuple(tensor.shape[1:])}
        )
        for name, tensor in tensors.items()
    )


def _describe(
    network: PairFamily, tokenizer: WrittenTokenizer, folder: Path, *, graphs: Graphs, name: str, score: FrameScore
) -> PairManifest:
    return PairManifest(
        format=FORMAT,
        version=VERSION,
        name=name,
        family=network.name,
        image=network.image,
        text=tokenizer.rules,
        weights_sha256=network.weights_sha256,
        graphs=graphs,
        score=score,
        precision="fp32",
        files=list_files(folder),
        parity=None,
        provenance=provenance(tokenizer),
    )
