"""Operators that compute on tensors, as the ONNX specification has them (opset 20)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # torch's own name for it
from torch import Tensor

from framedex.embed.onnx_graph.shapes import Attributes, Op, ints


def layer_norm(at: Attributes, data: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
    """Normalise over the last axes, from `axis` on."""
    sizes = data.shape[at.get("axis", -1) % data.ndim :]
    return F.layer_norm(data, sizes, scale, bias, at.get("epsilon", 1e-5))


def gelu(at: Attributes, data: Tensor) -> Tensor:
    """Exact, or with tanh."""
    return F.gelu(data, approximate=at.get("approximate", "none"))


def attention(at: Attributes, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(q k · scale + mask) v; k comes with its last two axes swapped, as the product took it."""
    if mask is not None and mask.is_floating_point():
        # A float32 minimum is no number in half precision: softmax of a whole row of -inf would be NaN.
        mask = mask.clamp_min(torch.finfo(q.dtype).min).to(q.dtype)
    return F.scaled_dot_product_attention(q, k.transpose(-2, -1), v, attn_mask=mask, scale=at["scale"])


def attention_23(at: Attributes, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """ONNX's own, of opset 23, on (n, tokens, heads · width) values."""
    heads = (at["q_num_heads"], at["kv_num_heads"], at["kv_num_heads"])
    q, k, v = (each.reshape(*each.shape[:-1], n, -1).transpose(1, 2) for each, n in zip((q, k, v), heads, strict=True))
    scale = at.get("scale", q.shape[-1] ** -0.5)
    result: Tensor = attention({"scale": scale}, q, k.transpose(-2, -1), v, mask).transpose(1, 2).flatten(-2)
    return result


def linear(_: Attributes, data: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """data times weight (out, in), and the bias."""
    return F.linear(data, weight, bias)


def gemm(at: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """alpha · a b + beta · c."""
    a, b = (each.mT if at.get(flag, 0) else each for each, flag in ((a, "transA"), (b, "transB")))
    product = a @ b * at.get("alpha", 1.0)
    result: Tensor = product if c is None else product + c * at.get("beta", 1.0)
    return result


def _windows(at: Attributes, rank: int) -> tuple[list[int], list[int]]:
    """Strides and symmetric padding of a convolution or pool over `rank` axes."""
    pads = at.get("pads", [0] * 2 * rank)
    if at.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or pads[:rank] != pads[rank:]:
        raise NotImplementedError(f"padding {at.get('auto_pad', pads)}")
    return at.get("strides", [1] * rank), pads[:rank]


def clip(_: Attributes, data: Tensor, least: Any = None, most: Any = None) -> Tensor:
    """Between two numbers, either of which may be left out."""
    return data if least is None and most is None else torch.clamp(data, least, most)


def conv(at: Attributes, data: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Convolution over one or two axes."""
    rank = weight.ndim - 2
    strides, pads = _windows(at, rank)
    convolve: Op = F.conv1d if rank == 1 else F.conv2d
    result: Tensor = convolve(data, weight, bias, strides, pads, at.get("dilations", [1] * rank), at.get("group", 1))
    return result


def average_pool(at: Attributes, data: Tensor) -> Tensor:
    """Mean of each window."""
    strides, pads = _windows(at, len(at["kernel_shape"]))
    return F.avg_pool2d(
        data, at["kernel_shape"], strides, pads, bool(at.get("ceil_mode", 0)), bool(at.get("count_include_pad", 0))
    )


def max_pool(at: Attributes, data: Tensor) -> Tensor:
    """Largest of each window."""
    strides, pads = _windows(at, len(at["kernel_shape"]))
    return F.max_pool2d(data, at["kernel_shape"], strides, pads, ceil_mode=bool(at.get("ceil_mode", 0)))


def batch_norm(at: Attributes, data: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """With stored mean and variance."""
    return F.batch_norm(data, mean, var, scale, bias, training=False, eps=at.get("epsilon", 1e-5))


def reduce(on_tensor: Callable[..., Tensor]) -> Op:
    """An operator over axes that are an attribute or an input; all where there are none."""

    def run(at: Attributes, data: Tensor, axes: Any = None) -> Tensor:
        places = at.get("axes") if axes is None else ints(axes)
        if places is None and at.get("noop_with_empty_axes", 0):
            return data
        everything = tuple(range(data.ndim))
        return on_tensor(data, dim=tuple(places) if places else everything, keepdim=bool(at.get("keepdims", 1)))

    return run


def l2(data: Tensor, *, dim: tuple[int, ...], keepdim: bool) -> Tensor:
    """Euclidean length."""
    lengths: Tensor = torch.linalg.vector_norm(data, dim=dim, keepdim=keepdim)
    return lengths


def arg_max(at: Attributes, data: Tensor) -> Tensor:
    """The first of equal values, as ONNX and torch have it."""
    if at.get("select_last_index", 0):
        raise NotImplementedError("ArgMax of the last of equal values")
    return data.argmax(dim=at.get("axis", 0), keepdim=bool(at.get("keepdims", 1)))
