"""A graph as a torch module: the steps in order, products in the precision asked for, sums and the head in float32."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from framedex.embed.manifest import ENCODER_KEY, Tower
from framedex.embed.onnx_graph.fold import call, constant, fold
from framedex.embed.onnx_graph.ops import OPS
from framedex.embed.onnx_graph.read import Graph, Step, read_graph
from framedex.embed.onnx_graph.rewrite import PRODUCTS, rewrite
from framedex.errors import ArtefactError, first_line


class OnnxModule(nn.Module):
    """Runs a graph of one input and one output.

    Args:
        graph: folded and rewritten, and only with operators of `OPS`.
        output: the name of the value to give.
        low: type of products (linear layers, convolutions, attention) that are not marked `full`; None leaves all as stored.
    """

    def __init__(self, graph: Graph, output: str, *, low: torch.dtype | None = None) -> None:
        super().__init__()
        self._input, self._output, self._low = graph.inputs[0], output, low
        constants: dict[str, Any] = {name: constant(array) for name, array in graph.arrays.items()}
        self._steps = graph.steps
        # A constant is held once per type in which some step wants it.
        self._held: dict[tuple[str, bool], Any] = {}
        for step in self._steps:
            lowered = self._is_low(step)
            for name in step.inputs:
                if name in constants and (name, lowered) not in self._held:
                    self._hold(name, constants[name], lowered=lowered)
        self._last_use = {name: at for at, step in enumerate(self._steps) for name in step.inputs if name != output}

    def forward(self, values: Tensor) -> Tensor:
        """Give the output's value, in float32."""
        held: dict[str, Any] = {self._input: values}
        for at, step in enumerate(self._steps):
            lowered = self._is_low(step)
            inputs = [self._fetch(name, held, lowered=lowered) for name in step.inputs]
            if lowered:
                inputs = [_to(value, self._low) for value in inputs]
            elif step.full and self._low is not None:
                inputs = [_to(value, torch.float32) for value in inputs]
            held.update(call(step, inputs))
            for name in step.inputs:
                if self._last_use.get(name) == at:
                    held.pop(name, None)
        result: Tensor = held[self._output]
        return result.float()

    def _is_low(self, step: Step) -> bool:
        return self._low is not None and step.op in PRODUCTS and not step.full

    def _hold(self, name: str, value: Any, *, lowered: bool) -> None:
        if not isinstance(value, Tensor):
            self._held[name, lowered] = value
            return
        buffer = f"constant_{len(self._held)}"
        self.register_buffer(buffer, _to(value, self._low) if lowered else value, persistent=False)
        self._held[name, lowered] = buffer

    def _fetch(self, name: str, held: Mapping[str, Any], *, lowered: bool) -> Any:
        if (name, lowered) not in self._held:
            return held.get(name)
        value = self._held[name, lowered]
        return getattr(self, value) if isinstance(value, str) else value


def load_module(path: Path, tower: Tower, *, encoder_key: str, low: torch.dtype | None = None) -> OnnxModule:
    """A tower's graph, checked against its manifest.

    Args:
        path: the ONNX file.
        tower: its names.
        encoder_key: of the manifest.
        low: type of its products; None leaves all as stored.

    Raises:
        ArtefactError: no graph that torch can run, or not the one that the manifest describes.
    """
    graph = read_graph(path)
    if list(graph.inputs) != [tower.input] or tower.output not in graph.outputs:
        raise ArtefactError(
            f"{path}: the manifest says {tower.input!r} -> {tower.output!r}, the graph has {list(graph.inputs)} -> "
            f"{list(graph.outputs)}; export it again"
        )
    key = graph.metadata.get(ENCODER_KEY)
    if key != encoder_key:
        raise ArtefactError(
            f"{path}: was exported for encoder {key}, the manifest describes {encoder_key}; the manifest "
            "was changed: export it again"
        )
    unknown = sorted({step.op for step in graph.steps} - OPS.keys())
    if unknown:
        raise ArtefactError(
            f"{path}: operators that our torch runtime does not have: {', '.join(unknown)}; use onnxruntime"
        )
    try:
        return OnnxModule(rewrite(fold(graph)), tower.output, low=low)
    except (RuntimeError, NotImplementedError, ValueError, TypeError, IndexError, KeyError) as error:
        raise ArtefactError(f"{path}: torch cannot run this graph: {first_line(error)}; use onnxruntime") from error


def _to(value: Any, dtype: torch.dtype | None) -> Any:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value
