"""An exported tower's graphs on disk: in the precision asked for, plain and fused, with their weights in one file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
import onnx_ir
from onnx import TensorProto
from onnx.external_data_helper import convert_model_to_external_data, write_external_data_tensors

from framedex.embed.manifest import Precision
from framedex_export.fuse import fuse
from framedex_export.onnx_export import EXTERNAL_ABOVE_NBYTES
from framedex_export.precision import LOW_TYPES, lower_products, quantise

# What is smaller stays in the graph.
_EXTERNAL_NBYTES = 1024


def write_variants(path: Path, precision: Precision) -> str | None:
    """Bring a float32 graph to `precision`, in its place, and write its fused form beside it where there is one.

    bfloat16 has no fused form: ONNX Runtime's fused attention does not take it.

    Args:
        path: "image.onnx"; its weights move to "image.onnx.data" where there is a fused form.
        precision: of the products.

    Returns:
        The fused graph's file, "image.ort.onnx", or None.

    Raises:
        ArtefactError: a weight that the precision cannot hold.
    """
    plain, fused = onnx.load(str(path)), None
    if precision != "bf16":
        joined = onnx_ir.from_proto(onnx.load(str(path)))
        fused = onnx_ir.to_proto(joined) if fuse(joined) else None
    if fused is None and precision == "fp32":
        return None
    data = path.with_name(f"{path.name}.data")
    data.unlink(missing_ok=True)
    _save(_in_precision(plain, precision), path, data, external=fused is not None)
    if fused is None:
        return None
    fused = _in_precision(fused, precision)
    _share(fused.graph, with_graph=path)
    target = path.with_suffix(".ort.onnx")
    _save(fused, target, target.with_name(f"{target.name}.data"), external=False)
    return target.name


def _in_precision(model: onnx.ModelProto, precision: Precision) -> onnx.ModelProto:
    del model.graph.value_info[:]  # types of before; whoever reads the graph infers them
    if precision in LOW_TYPES:
        lower_products(model.graph, precision)
    elif precision == "int8":
        with tempfile.TemporaryDirectory(prefix="framedex-export-") as folder:
            source, target = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
            _save(model, source, source.with_suffix(".data"), external=True)
            quantise(source, target)
            metadata = list(model.metadata_props)
            model = onnx.load(str(target))
            del model.metadata_props[:]
            model.metadata_props.extend(metadata)
    return model


def _save(model: onnx.ModelProto, path: Path, data: Path, *, external: bool) -> None:
    nbytes = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    if external or nbytes > EXTERNAL_ABOVE_NBYTES:
        convert_model_to_external_data(model, location=data.name, size_threshold=_EXTERNAL_NBYTES)
        write_external_data_tensors(model, str(path.parent))
    path.write_bytes(model.SerializeToString(deterministic=True))


def _share(graph: onnx.GraphProto, *, with_graph: Path) -> None:
    """Let a graph's weights lie where those of another do, as far as they are equal."""
    places = {tensor.name: tensor for tensor in onnx.load(str(with_graph), load_external_data=False).graph.initializer}
    whole = {tensor.name: tensor for tensor in onnx.load(str(with_graph)).graph.initializer}
    for tensor in graph.initializer:
        place, other = places.get(tensor.name), whole.get(tensor.name)
        if place is None or other is None or place.data_location != TensorProto.EXTERNAL:
            continue
        if (tensor.dims, tensor.data_type, tensor.raw_data) == (other.dims, other.data_type, other.raw_data):
            tensor.CopyFrom(place)
