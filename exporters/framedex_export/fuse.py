"""A tower's graph as ONNX Runtime runs it fastest: attention as one operator, which only this runtime has.

The plain graph stays beside it, for torch, TensorRT and anybody's tools; weights lie in one file that both read.
"""

from __future__ import annotations

import onnx_ir
from onnx_ir.passes import common
from onnxscript.optimizer import optimize
from onnxscript.rewriter.ort_fusions.mha import fuse_mha1, fuse_mha2
from onnxscript.rewriter.ort_fusions.mha_scale import fuse_mha_scale
from onnxscript.rewriter.ort_fusions.sdpa import fuse_sdpa
from onnxscript.rewriter.ort_fusions.sdpa_via_mha import replace_sdpa_by_mha

from framedex_export.quiet import quiet

#: Operators of its own that ONNX Runtime has kernels for.
DOMAIN = "com.microsoft"


def fuse(model: onnx_ir.Model) -> bool:
    """Join attention to `MultiHeadAttention`, in place; whether there was any that could be joined.

    Its scores are never whole in memory, so that it is the faster, the more patches there are. Of onnxscript's other fusions
    ONNX Runtime does those that help when it loads a graph; the one of a sum and its LayerNorm is slower than both (docs/LOG.md).

    Source: onnxscript's `ort_fusions`.
    """
    with quiet():
        common.ShapeInferencePass()(model)
        optimize(model)
        fuse_sdpa(model, apply_shape_inference=True)
        for step in (fuse_mha1, fuse_mha2, fuse_mha_scale, replace_sdpa_by_mha):
            step(model)
        optimize(model)
    return any(node.domain == DOMAIN for node in model.graph)
