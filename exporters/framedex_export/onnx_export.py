"""A torch module with named inputs and outputs to a checked ONNX file with a dynamic batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import onnx_ir
import torch
from torch import Tensor, nn

from framedex.embed.manifest import ENCODER_KEY
from framedex.errors import ArtefactError
from framedex_export.quiet import quiet

OPSET = 20
BATCH = "batch"
LENGTH = "length"

# One protobuf message holds at most 2 GiB; above this the weights go into a file of their own.
EXTERNAL_ABOVE_NBYTES = 1_800_000_000


def export_graph(
    module: nn.Module,
    examples: Mapping[str, Tensor],
    path: Path,
    *,
    outputs: Sequence[str],
    encoder_key: str,
    any_length: bool = False,
) -> None:
    """Write `module` as ONNX to `path`; weights above 1.8 GB go into `path` + ".data" beside it.

    The graph holds no trace of the machine that it was made on: equal weights and versions give equal bytes.

    Args:
        module: in evaluation mode.
        examples: the inputs by name, in the order in which the module takes them. Their first dimension is the batch: 2, so that
            no size is mistaken for a constant 1; or 1 for what the whole batch shares, which stays 1.
        path: the ONNX file.
        outputs: names of what the module gives, in order.
        encoder_key: written into the graph, so that a manifest of another encoder is noticed.
        any_length: the second dimension of every input is free too, from 2 to the example's.

    Raises:
        ArtefactError: torch cannot export the module, or the graph fails ONNX's own check.
    """
    free = [_free_dimensions(example, any_length=any_length) for example in examples.values()]
    with quiet():
        try:
            program = torch.onnx.export(
                module.eval(),
                tuple(examples.values()),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(examples),
                output_names=list(outputs),
                dynamic_shapes=tuple(free),
                verbose=False,
            )
        except torch.onnx.errors.OnnxExporterError as error:
            raise ArtefactError(f"{path.name}: torch {torch.__version__} cannot export this model: {error}") from error
    assert program is not None, "dynamo exports return a program"
    for given, example in zip(program.model.graph.inputs, examples.values(), strict=True):
        if given.shape is None or (isinstance(given.shape[0], int) and len(example) > 1):
            raise ArtefactError(
                f"{path.name}: the exported graph takes batches of one size only, got {given.name} of shape {given.shape}"
            )
    _forget_the_machine(program.model)
    program.model.metadata_props[ENCODER_KEY] = encoder_key
    nbytes = sum(value.const_value.nbytes for value in program.model.graph.initializers.values() if value.const_value)
    program.save(str(path), external_data=nbytes > EXTERNAL_ABOVE_NBYTES)
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except onnx.checker.ValidationError as error:
        raise ArtefactError(f"{path.name}: the exported graph fails ONNX's check: {error}") from error


def _free_dimensions(example: Tensor, *, any_length: bool) -> dict[int, Any]:
    free: dict[int, Any] = {0: torch.export.Dim(BATCH)} if len(example) > 1 else {}
    if any_length:
        free[1] = torch.export.Dim(LENGTH, min=2, max=example.shape[1])
    return free


def _forget_the_machine(model: onnx_ir.Model) -> None:
    """Drop stack traces and other notes of the exporter, which hold file paths."""
    assert not model.functions, "the exporter's optimiser inlines every function"
    graph = model.graph
    values = [*graph.inputs, *graph.initializers.values()]
    for node in graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        values += node.outputs
    for value in values:
        value.metadata_props.clear()
        value.doc_string = None
    graph.metadata_props.clear()
    model.metadata_props.clear()
    graph.doc_string = model.doc_string = None
