"""The commands `framedex-export cris-mask`, `clipseg` and `blip-itm`: pair scorers, networks over a frame and a text together."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framedex.cli.output import note, print_json
from framedex_export.options import AsJson, Checkpoint, CrisCheckpoint, CrisWords, Force, Output
from framedex_export.quiet import import_quietly

if TYPE_CHECKING:
    from framedex.pair.manifest import PairManifest, PairParity
    from framedex_export.pair_export import PairExportResult

Name = Annotated[str | None, typer.Option(help="Name of the scorer, for people.  [default: the folder's]")]
MaskRuleOption = Annotated[
    str | None,
    typer.Option("--rule", metavar="R", help="Score of a map: max, mean, top1% or area.  [default: max]"),
]
MatchRuleOption = Annotated[
    str | None,
    typer.Option("--rule", metavar="R", help="prob, the probability of a match, or logit.  [default: prob]"),
]


def cris_mask(
    checkpoint: CrisCheckpoint,
    output: Output,
    name: Name = None,
    rule: MaskRuleOption = None,
    words: CrisWords = 17,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export CRIS's whole network as a pair scorer: a map of where the text's thing is, and a score of the map.

    The file is what CRIS's training saves; beside it lies CLIP's tokenizer, as for `cris`. No weights of CRIS were ever
    published, and no rule that makes a score of its map: the rules are framedex's own, and leave the letterbox's borders out.

    \b
    Examples:
      framedex-export cris-mask exp/refcoco/CRIS_R50/best_model.pth -o scorers/cris-r50
      framedex-export cris-mask cris-r101-refcocog/ -o scorers/cris-r101 --words 22 --rule top1%
      framedex scores make S questions.jsonl --scorer scorers/cris-r50 --top 16
    """
    _export("cris-mask", checkpoint, output, name, rule, force, as_json, words=words)


def clipseg(
    checkpoint: Checkpoint,
    output: Output,
    name: Name = None,
    rule: MaskRuleOption = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export a CLIPSeg checkpoint as a pair scorer: a map of where the text's thing is, and a score of the map.

    The folder holds config.json, model.safetensors, preprocessor_config.json and tokenizer.json, or vocab.json and merges.txt.

    \b
    Examples:
      framedex-export clipseg clipseg-rd64-refined -o scorers/clipseg
      framedex scores make S questions.jsonl --scorer scorers/clipseg
    """
    _export("clipseg", checkpoint, output, name, rule, force, as_json)


def blip_itm(
    checkpoint: Checkpoint,
    output: Output,
    name: Name = None,
    rule: MatchRuleOption = None,
    words: Annotated[int, typer.Option(help="Ids per text; a longer text is cut.")] = 35,
    enc: Annotated[
        bool, typer.Option("--enc", help="Begin a text with [ENC], as LAVIS does; transformers does with [CLS].")
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export a BLIP checkpoint with a matching head as a pair scorer, the network by which AKS and FOCUS choose frames.

    The folder holds config.json, model.safetensors, preprocessor_config.json and tokenizer.json or vocab.txt. LAVIS, which AKS
    runs, begins a text otherwise than transformers: --enc.

    \b
    Examples:
      framedex-export blip-itm blip-itm-base-coco -o scorers/blip
      framedex-export blip-itm blip-itm-base-coco -o scorers/blip-lavis --enc
      framedex-export blip-itm blip-itm-large-coco -o scorers/blip-large --rule logit --words 64
    """
    _export("blip-itm", checkpoint, output, name, rule, force, as_json, words=words, enc=enc)


def _export(
    family: str,
    checkpoint: Path,
    output: Path,
    name: str | None,
    rule: str | None,
    force: bool,
    as_json: bool,
    **options: int,
) -> None:
    started = time.monotonic()
    result = _exported(family, checkpoint, output, name=name, rule=rule, force=force, **options)
    manifest = result.artefact.manifest
    measured = manifest.parity
    assert measured is not None, "an artefact that opens has been measured"
    key = manifest.scorer_key(manifest.score.rule)
    if as_json:
        print_json(
            {
                "artefact": str(output),
                "written": result.written,
                "name": manifest.name,
                "family": manifest.family,
                "rule": manifest.score.rule,
                "scorer_key": key,
                "nbytes": sum(entry.nbytes for entry in manifest.files.values()),
                "nothing_to_rank": [rule for rule, each in measured.scores.items() if each.rank_agreement is None],
                "parity": measured.model_dump(mode="json"),
                "seconds": round(time.monotonic() - started, 1),
            }
        )
        return
    if not result.written:
        print(f"{output}: this pair scorer is already there (key {key}); left alone")
        return
    _show(output, manifest, measured)


def _show(output: Path, manifest: PairManifest, measured: PairParity) -> None:
    from framedex.pair.gate import shown_order

    rule = manifest.score.rule
    scores = measured.scores[rule]
    print(f"{output}: {manifest.name}, {manifest.family} by {rule}, key {manifest.scorer_key(rule)}")
    print(
        f"parity with torch over {measured.images} pictures and {measured.texts} texts: logits within "
        f"{measured.output_max_difference:.1e}, scores within {scores.max_difference:.1e}, {shown_order(rule, scores)}, "
        f"preprocessing within {measured.preprocessing_max_grey_levels} grey levels"
    )
    for each, others in measured.scores.items():
        if others.rank_agreement is None:
            print(f"note: {shown_order(each, others)}; whether its order would be kept is not known")
    if manifest.image.note is not None:
        print(f"note: {manifest.image.note}")


def _exported(
    family: str, checkpoint: Path, output: Path, *, force: bool, **options: str | int | None
) -> PairExportResult:
    module = import_quietly("framedex_export.pair_export", needed_by=f"framedex-export {family}")
    result: PairExportResult = module.export_pair_scorer(
        family, checkpoint, output, force=force, report=note, **options
    )
    return result
