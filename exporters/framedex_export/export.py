"""The whole way from a checkpoint that was read to an artefact in its place, the same for every family."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime
import torch
import transformers

from framedex.embed.artefact import Artefact
from framedex.embed.manifest import (
    FORMAT,
    TOKENIZER_NAME,
    VERSION,
    Manifest,
    Precision,
    Provenance,
    Tower,
    Towers,
    encoder_identity,
)
from framedex.errors import ArtefactError, UsageError
from framedex.keys import Json, json_key
from framedex_export import __version__, parity
from framedex_export.families import Family, families
from framedex_export.onnx_export import OPSET, export_graph
from framedex_export.reference import write_reference
from framedex_export.tokenizer import WrittenTokenizer, write_tokenizer
from framedex_export.variants import write_variants
from framedex_export.write import is_occupied, list_files, publish, require_artefact, staging

Report = Callable[[str], None]

_TOWERS = Towers(
    image=Tower(file="image.onnx", input="pixels", output="vectors"),
    text=Tower(file="text.onnx", input="ids", output="vectors"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """What became of an export.

    Attributes:
        artefact: in its place, opened and proved.
        written: False where an artefact of the same encoder was there already and was left alone.
    """

    artefact: Artefact
    written: bool


def export_encoder(
    family: str,
    checkpoint: Path,
    target: Path,
    *,
    name: str | None = None,
    precision: Precision = "fp32",
    force: bool = False,
    report: Report,
    **options: int,
) -> ExportResult:
    """Make an artefact of a checkpoint, measure it against the checkpoint, and put it in its place.

    Args:
        family: a name of `families`.
        checkpoint: the folder, or for CRIS the file, of the checkpoint.
        target: the artefact's folder; made, with its parents.
        name: the encoder's name for people; the target folder's where None.
        precision: of the graphs' products; no part of the encoder key.
        force: replace an artefact that is there.
        report: is told each step, in words.
        options: of the family.

    Raises:
        UsageError: unknown family, no checkpoint there, or the target holds something else.
        ArtefactError: the checkpoint does not hold, or the artefact does not reach parity; the target is as it was.
        StorageError: the target cannot be written.
    """
    return CheckpointExport(family, checkpoint, shared=None, report=report, **options).write(
        target, name=name, precision=precision, force=force
    )


class CheckpointExport:
    """A checkpoint on its way to artefacts of several precisions; what they have in common is made once.

    Args:
        family: a name of `families`.
        checkpoint: as for `export_encoder`; read when the first artefact is written.
        shared: a folder of the caller's, for what the artefacts have in common; None where only one is written.
        report: is told each step, in words.
        options: of the family.

    Raises:
        UsageError: unknown family.
    """

    def __init__(self, family: str, checkpoint: Path, *, shared: Path | None, report: Report, **options: int) -> None:
        self._read = functools.partial(families.load(family), checkpoint, **options)
        self._checkpoint = checkpoint
        self._shared = shared
        self._are_shared = False
        self._report = report
        self._encoder: Family | None = None
        self._expected: parity.Expected | None = None

    def write(
        self, target: Path, *, name: str | None = None, precision: Precision = "fp32", force: bool = False
    ) -> ExportResult:
        """Make one artefact, measure it against the checkpoint, and put it in its place: `export_encoder`'s work."""
        target = target.resolve()
        if is_occupied(target):
            require_artefact(target)
        if self._encoder is None:
            self._report(f"reading {self._checkpoint}")
            self._encoder = self._read()
        encoder = self._encoder
        with staging(target) as folder:
            self._report("writing and checking the tokenizer")
            tokenizer = write_tokenizer(encoder.text, encoder.tokenizers(), folder / TOKENIZER_NAME)
            if is_occupied(target) and not force:
                return ExportResult(artefact=_same_encoder(target, encoder, tokenizer, precision), written=False)
            self._put_graphs(encoder, tokenizer, folder)
            towers = _in_precision(encoder, folder, precision)
            draft = _describe(encoder, tokenizer, folder, name or target.name, towers, precision)
            self._report("measuring parity against torch")
            built = Artefact(folder=folder, manifest=draft, origin=str(folder))
            if self._expected is None:
                self._expected = parity.expect(encoder, built)
            measured = parity.measure(self._expected, built, tokenizer_texts=tokenizer.texts)
            parity.require(measured, precision)
            publish(
                folder,
                target,
                draft.model_copy(update={"parity": measured}).to_json(),
                graphs={entry.sha256 for entry in draft.files.values()},
            )
        return ExportResult(artefact=Artefact.open(target), written=True)

    def _put_graphs(self, encoder: Family, tokenizer: WrittenTokenizer, folder: Path) -> None:
        """Both towers in float32 and the reference set, exported or from where they were kept."""
        if self._shared is not None and self._are_shared:
            shutil.copytree(self._shared, folder, dirs_exist_ok=True)
            return
        _export_towers(encoder, tokenizer, folder, self._report)
        write_reference(encoder, tokenizer.rules, folder)
        if self._shared is not None:
            shutil.copytree(folder, self._shared, dirs_exist_ok=True)
            self._are_shared = True


def _same_encoder(target: Path, encoder: Family, tokenizer: WrittenTokenizer, precision: Precision) -> Artefact:
    """The artefact that is already there, if it is sound and of this very encoder in this precision."""
    try:
        there = Artefact.open(target)
    except ArtefactError as error:
        raise ArtefactError(f"{error} (--force replaces it)") from error
    if there.manifest.identity() != _identity(encoder, tokenizer):
        raise UsageError(
            f"{target}: holds another encoder ({there.manifest.name!r}, key {there.manifest.encoder_key}); "
            "name another output folder, or --force to replace it"
        )
    if there.manifest.precision != precision:
        raise UsageError(
            f"{target}: holds this encoder in {there.manifest.precision}, asked for is {precision}; name another output folder, "
            "or --force to replace it"
        )
    return there


def _identity(encoder: Family, tokenizer: WrittenTokenizer) -> dict[str, Json]:
    return encoder_identity(
        family=encoder.name,
        dim=encoder.dim,
        weights_sha256=encoder.weights_sha256,
        image=encoder.image,
        text=tokenizer.rules,
    )


def _export_towers(encoder: Family, tokenizer: WrittenTokenizer, folder: Path, report: Report) -> None:
    """Write the graph of each tower, in float32."""
    encoder_key = json_key(_identity(encoder, tokenizer))
    rows = {
        "image": torch.zeros(2, *encoder.image.size, 3, dtype=torch.uint8),
        "text": torch.zeros(2, tokenizer.rules.max_length, dtype=torch.int64),
    }
    modules = {"image": encoder.image_tower, "text": encoder.text_tower}
    for kind, rows_of in rows.items():
        report(f"exporting the {kind} tower")
        tower: Tower = getattr(_TOWERS, kind)
        export_graph(
            modules[kind](),
            {tower.input: rows_of},
            folder / tower.file,
            outputs=[tower.output],
            encoder_key=encoder_key,
            any_length=kind == "text" and encoder.any_length,
        )


def _in_precision(encoder: Family, folder: Path, precision: Precision) -> Towers:
    """Bring both graphs to a precision, plain and fused; the towers with the files that came of it."""
    image, text = (write_variants(folder / tower.file, precision) for tower in (_TOWERS.image, _TOWERS.text))
    return Towers(
        image=_TOWERS.image.model_copy(update={"fused": image}),
        text=_TOWERS.text.model_copy(update={"fused": text, "any_length": True if encoder.any_length else None}),
    )


def _describe(
    encoder: Family, tokenizer: WrittenTokenizer, folder: Path, name: str, towers: Towers, precision: Precision
) -> Manifest:
    return Manifest(
        format=FORMAT,
        version=VERSION,
        name=name,
        family=encoder.name,
        dim=encoder.dim,
        image=encoder.image,
        text=tokenizer.rules,
        logit_scale=encoder.logit_scale,
        logit_bias=encoder.logit_bias,
        weights_sha256=encoder.weights_sha256,
        towers=towers,
        precision=precision,
        files=list_files(folder),
        parity=None,
        provenance=provenance(tokenizer),
    )


def provenance(tokenizer: WrittenTokenizer) -> Provenance:
    """The libraries that an artefact is made with, now."""
    return Provenance(
        torch=torch.__version__,
        transformers=transformers.__version__,
        onnx=onnx.__version__,
        onnxruntime=onnxruntime.__version__,
        exporter=__version__,
        opset=OPSET,
        tokenizer=tokenizer.origin,
    )
