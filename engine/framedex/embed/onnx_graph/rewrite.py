"""Small operators joined into the large ones that torch has kernels for; what stays float32 is marked."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.embed.onnx_graph.read import Graph, Step

LINEAR = "linear"
ATTENTION = "attention"

#: Products: these run in half precision where it is asked for.
PRODUCTS = frozenset({LINEAR, ATTENTION, "Attention", "MatMul", "Gemm", "Conv"})
#: Sums over many values, and what amplifies their errors.
SUMS = frozenset(
    {"LayerNormalization", "BatchNormalization", "Softmax", "ReduceL2", "ReduceMean", "ReduceSum", "GlobalAveragePool"}
    | {"Div", "Sqrt", "Reciprocal", "Pow", "Exp", "Erf"}
)
_NORMS = frozenset({"LayerNormalization", "BatchNormalization"})


def rewrite(graph: Graph) -> Graph:
    """Join `MatMul` + `Add` into linear layers and `MatMul` + `Softmax` + `MatMul` into attention, and mark the head.

    The head, the products behind the last normalisation, stays in float32: it makes the vector itself.
    """
    graph = _join_linear(graph)
    graph = _join_attention(graph)
    return _mark_head(graph)


def _join_linear(graph: Graph) -> Graph:
    """x @ W + b with constant W and b, and the Gemm that is one, to linear(x, W transposed, b)."""
    arrays = dict(graph.arrays)
    uses = _uses(graph)
    joined: dict[str, Step] = {}
    dropped: set[int] = set()
    makers = _makers(graph)
    for step in graph.steps:
        if step.op == "Gemm" and _is_linear(step, arrays):
            weight = arrays[step.inputs[1]]
            name = f"{step.outputs[0]}.weight"
            arrays[name] = weight if step.attributes.get("transB", 0) else np.ascontiguousarray(weight.T)
            joined[step.outputs[0]] = Step(
                op=LINEAR, inputs=(step.inputs[0], name, *step.inputs[2:]), outputs=step.outputs
            )
        if step.op != "Add":
            continue
        for product, bias in (step.inputs, step.inputs[::-1]):
            maker = makers.get(product)
            if maker is None or maker.op != "MatMul" or uses[product] != 1 or bias not in arrays:
                continue
            matrix = arrays.get(maker.inputs[1])
            if matrix is None or matrix.ndim != 2 or arrays[bias].shape != (matrix.shape[1],):
                continue
            name = f"{product}.weight"
            arrays[name] = np.ascontiguousarray(matrix.T)
            joined[step.outputs[0]] = Step(op=LINEAR, inputs=(maker.inputs[0], name, bias), outputs=step.outputs)
            dropped.add(id(maker))
            break
    steps = [joined.get(step.outputs[0], step) for step in graph.steps if id(step) not in dropped]
    return dataclasses.replace(graph, steps=tuple(steps), arrays=_used(arrays, steps))


def _is_linear(step: Step, arrays: dict[str, NDArray[Any]]) -> bool:
    attributes = step.attributes
    plain = attributes.get("alpha", 1.0) == attributes.get("beta", 1.0) == 1.0 and not attributes.get("transA", 0)
    constants = [arrays.get(name) for name in step.inputs[1:]]
    return plain and all(array is not None for array in constants) and (len(constants) == 1 or constants[1].ndim == 1)  # type: ignore[union-attr]


def _join_attention(graph: Graph) -> Graph:
    """softmax(q @ k * scale + mask) @ v over the last axis to attention(q, k, v, mask), each value used once."""
    makers, uses, arrays = _makers(graph), _uses(graph), graph.arrays
    joined: dict[str, Step] = {}
    dropped: set[int] = set()

    def inner(name: str) -> Step | None:
        return makers.get(name) if uses[name] == 1 else None

    for last in graph.steps:
        softmax = inner(last.inputs[0]) if last.op == "MatMul" else None
        if softmax is None or softmax.op != "Softmax" or softmax.attributes.get("axis", -1) != -1:
            continue
        chain, step, mask, scale = [softmax], inner(softmax.inputs[0]), "", 1.0
        if step is not None and step.op == "Add":
            scores = next((name for name in step.inputs if _leads_to_product(makers.get(name))), None)
            if scores is None:
                continue
            mask = step.inputs[1] if scores == step.inputs[0] else step.inputs[0]
            chain.append(step)
            step = inner(scores)
        if step is not None and step.op in ("Mul", "Div"):
            factor = _number(step, arrays)
            if factor is None:
                continue
            scale = factor[1] if step.op == "Mul" else 1.0 / factor[1]
            chain.append(step)
            step = inner(factor[0])
        if step is None or step.op != "MatMul":
            continue
        inputs = (step.inputs[0], step.inputs[1], last.inputs[1], mask)
        joined[last.outputs[0]] = Step(op=ATTENTION, inputs=inputs, outputs=last.outputs, attributes={"scale": scale})
        dropped.update(id(each) for each in (*chain, step))
    steps = [joined.get(step.outputs[0], step) for step in graph.steps if id(step) not in dropped]
    return dataclasses.replace(graph, steps=tuple(steps))


def _leads_to_product(step: Step | None) -> bool:
    return step is not None and step.op in ("MatMul", "Mul", "Div")


def _number(step: Step, arrays: dict[str, NDArray[Any]]) -> tuple[str, float] | None:
    """The other input, and the constant number that it is multiplied with or divided by."""
    pairs = [step.inputs] if step.op == "Div" else [step.inputs, step.inputs[::-1]]
    for other, constant in pairs:
        if constant in arrays and arrays[constant].size == 1:
            return other, float(arrays[constant].item())
    return None


def _mark_head(graph: Graph) -> Graph:
    """Mark the products with no normalisation behind them; the very last product where there is none at all."""
    behind: set[str] = set()  # values that lead to a normalisation
    for step in reversed(graph.steps):
        if step.op in _NORMS or any(name in behind for name in step.outputs):
            behind.update(step.inputs)
    products = [step for step in graph.steps if step.op in PRODUCTS]
    normalised = any(step.op in _NORMS for step in graph.steps)
    head = [step for step in products if behind.isdisjoint(step.outputs)] if normalised else products[-1:]
    ids = {id(step) for step in head}
    return dataclasses.replace(
        graph,
        steps=tuple(
            dataclasses.replace(step, full=True) if id(step) in ids or step.op in SUMS else step for step in graph.steps
        ),
    )


def _makers(graph: Graph) -> dict[str, Step]:
    return {name: step for step in graph.steps for name in step.outputs}


def _uses(graph: Graph) -> Counter[str]:
    return Counter([*(name for step in graph.steps for name in step.inputs), *graph.outputs])


def _used(arrays: dict[str, NDArray[Any]], steps: Sequence[Step] | Iterable[Step]) -> dict[str, NDArray[Any]]:
    names = {name for step in steps for name in step.inputs}
    return {name: array for name, array in arrays.items() if name in names}
