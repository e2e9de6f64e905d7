"""CRIS's dual encoder in torch: CLIP's ResNet with an attention pool that keeps all positions, and CLIP's text transformer.

Attributes are named as the checkpoint's keys are. Sources: Wang et al., CRIS, CVPR 2022; Radford et al., CLIP, 2021 (the
modified ResNet of section 2.4); names and order of steps from CRIS.pytorch and CLIP.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from framedex_export.families.cris_layout import count_of

_HEAD = 64
#: Tensors whose first dimension is a size.
_RULERS = (
    "visual.layer1.0.conv1.weight",
    "visual.attnpool.positional_embedding",
    "visual.attnpool.c_proj.bias",
    "token_embedding.weight",
    "positional_embedding",
    "ln_final.weight",
)
_EXPANSION = 4
_STRIDE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a dual encoder, all of which can be read off its tensors.

    Attributes:
        width: channels of the first stage.
        blocks: of the four stages: 3, 4, 6, 3 for ResNet-50 and 3, 4, 23, 3 for ResNet-101.
        grid: edge of the grid of position embeddings of the attention pool.
        dim: of the vectors.
        vocabulary: rows of the token embedding.
        context: positions of the text transformer.
        text_width: its channels.
        text_layers: its layers.
    """

    width: int
    blocks: tuple[int, int, int, int]
    grid: int
    dim: int
    vocabulary: int
    context: int
    text_width: int
    text_layers: int

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> Self:
        """Read the sizes off the tensors of a backbone.

        Raises:
            KeyError: a tensor that says one is missing.
            ValueError: one is a single number, or the text transformer's width is no multiple of a head's.
        """
        single = [name for name in _RULERS if state[name].ndim == 0]
        if single:
            raise ValueError(f"expected tensors with dimensions, got single numbers: {', '.join(single)}")
        if len(state["ln_final.weight"]) % _HEAD or len(state["visual.layer1.0.conv1.weight"]) % 2:
            raise ValueError(
                f"expected a text width that is a multiple of {_HEAD} and an even width of pictures, got "
                f"{len(state['ln_final.weight'])} and {len(state['visual.layer1.0.conv1.weight'])}"
            )
        first, second, third, fourth = (count_of(state, f"visual.layer{stage}.") for stage in (1, 2, 3, 4))
        return cls(
            width=len(state["visual.layer1.0.conv1.weight"]),
            blocks=(first, second, third, fourth),
            grid=math.isqrt(max(0, len(state["visual.attnpool.positional_embedding"]) - 1)),
            dim=len(state["visual.attnpool.c_proj.bias"]),
            vocabulary=len(state["token_embedding.weight"]),
            context=len(state["positional_embedding"]),
            text_width=len(state["ln_final.weight"]),
            text_layers=count_of(state, "transformer.resblocks."),
        )

    @classmethod
    def by_names(cls, names: Collection[str]) -> Self:
        """As many blocks and layers as a backbone's names speak of, a ResNet-50's where of none; the sizes are anything."""
        some = {1: 3, 2: 4, 3: 6, 4: 3}
        blocks = [count_of(names, f"visual.layer{stage}.") or count for stage, count in some.items()]
        return cls(
            width=2,
            blocks=(blocks[0], blocks[1], blocks[2], blocks[3]),
            grid=1,
            dim=1,
            vocabulary=1,
            context=1,
            text_width=_HEAD,
            text_layers=count_of(names, "transformer.resblocks.") or 12,
        )


class Bottleneck(nn.Module):
    """A residual block whose stride is an average pool before the last convolution, in both branches."""

    def __init__(self, channels: int, planes: int, stride: int) -> None:
        super().__init__()
        out = planes * _EXPANSION
        self.conv1, self.bn1 = nn.Conv2d(channels, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, out, 1, bias=False), nn.BatchNorm2d(out)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        changes = stride > 1 or channels != out
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels, out, 1, bias=False), nn.BatchNorm2d(out)) if changes else None
        )

    def forward(self, values: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, 4 * planes, h / stride, w / stride)."""
        inner = torch.relu(self.bn1(self.conv1(values)))
        inner = torch.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(self.pool(inner)))
        beside = values if self.downsample is None else self.downsample(self.pool(values))
        return torch.relu(inner + beside)


class AttentionPool(nn.Module):
    """Attention of every position to all, beside a 1 x 1 convolution: CLIP's pool without the pooling."""

    def __init__(self, channels: int, grid: int, dim: int) -> None:
        super().__init__()
        self.grid = grid
        self.heads = channels // _HEAD
        self.positional_embedding = nn.Parameter(torch.randn(grid * grid + 1, channels) / math.sqrt(channels))
        self.q_proj, self.k_proj = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.v_proj, self.c_proj = nn.Linear(channels, channels), nn.Linear(channels, dim)
        self.connect = nn.Sequential(nn.Conv2d(channels, dim, 1, bias=False), nn.BatchNorm2d(dim))

    def positions(self, rows: int, columns: int) -> Tensor:
        """The grid of position embeddings at another size, (rows * columns, channels); the first embedding is not used."""
        square = self.positional_embedding[1:].reshape(1, self.grid, self.grid, -1).permute(0, 3, 1, 2)
        resized = nn.functional.interpolate(square, size=(rows, columns), mode="bicubic", align_corners=False)
        return resized.flatten(2)[0].T

    def forward(self, values: Tensor, positions: Tensor) -> Tensor:
        """(n, channels, h, w) and the embeddings of their positions to (n, h * w, dim), none below 0."""
        rows = values.flatten(2).transpose(1, 2) + positions
        mixed = attend(self.q_proj(rows), self.k_proj(rows), self.v_proj(rows), heads=self.heads)
        return torch.relu(self.c_proj(mixed) + self.connect(values).flatten(2).transpose(1, 2))


class ResNet(nn.Module):
    """CLIP's modified ResNet: a stem of three convolutions, four stages, 1/32 of the picture's edge at the end."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.conv1 = nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width // 2, width // 2, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(width // 2, width, 3, padding=1, bias=False)
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(width // 2), nn.BatchNorm2d(width // 2), nn.BatchNorm2d(width)
        self.pool = nn.AvgPool2d(2)
        first, second, third, fourth = shape.blocks
        self.layer1 = _stage(width, width, first, stride=1)
        self.layer2 = _stage(width * 4, width * 2, second, stride=2)
        self.layer3 = _stage(width * 8, width * 4, third, stride=2)
        self.layer4 = _stage(width * 16, width * 8, fourth, stride=2)
        self.attnpool = AttentionPool(width * 32, shape.grid, shape.dim)

    def stages(self, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(n, 3, h, w) to what the second, third and fourth stage give, at 1/8, 1/16 and 1/32 of the edge."""
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            values = torch.relu(norm(conv(values)))
        second = self.layer2(self.layer1(self.pool(values)))
        third = self.layer3(second)
        return second, third, self.layer4(third)


def _stage(channels: int, planes: int, blocks: int, *, stride: int) -> nn.Sequential:
    """So many blocks, of which the first makes the map smaller."""
    rest = [Bottleneck(planes * _EXPANSION, planes, 1) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(channels, planes, stride), *rest)


class SelfAttention(nn.Module):
    """Causal self-attention under the names of torch's own module."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // _HEAD
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) / math.sqrt(width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """(n, length, width) to the same."""
        query, key, value = nn.functional.linear(rows, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        mixed: Tensor = self.out_proj(attend(query, key, value, heads=self.heads, mask=mask))
        return mixed


class TextBlock(nn.Module):
    """Attention and a two-layer network with CLIP's quick GELU, each behind a LayerNorm and beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = SelfAttention(width)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, rows: Tensor, mask: Tensor) -> Tensor:
        """(n, length, width) to the same."""
        rows = rows + self.attn(self.ln_1(rows), mask)
        wide = self.mlp["c_fc"](self.ln_2(rows))
        deeper: Tensor = self.mlp["c_proj"](wide * torch.sigmoid(1.702 * wide))
        return rows + deeper


class DualEncoder(nn.Module):
    """What of CRIS sees pictures and reads sentences without each other."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.visual = ResNet(shape)
        self.token_embedding = nn.Embedding(shape.vocabulary, shape.text_width)
        self.positional_embedding = nn.Parameter(torch.randn(shape.context, shape.text_width) / 100)
        self.transformer = nn.ModuleDict(
            {"resblocks": nn.ModuleList(TextBlock(shape.text_width) for _ in range(shape.text_layers))}
        )
        self.ln_final = nn.LayerNorm(shape.text_width)
        self.text_projection = nn.Parameter(torch.randn(shape.text_width, shape.dim) / math.sqrt(shape.text_width))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def words(self, ids: Tensor, mask: Tensor) -> Tensor:
        """int64 (m, length) ids to the features of each word, (m, length, text_width)."""
        rows = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        blocks = self.transformer["resblocks"]
        assert isinstance(blocks, nn.ModuleList)
        for block in blocks:
            rows = block(rows, mask)
        final: Tensor = self.ln_final(rows)
        return final

    def state(self, words: Tensor, ids: Tensor) -> Tensor:
        """The sentence's vector, (m, dim): the feature at its end, which has the highest id, projected."""
        ends = ids.to(torch.int32).argmax(dim=-1)
        return words[torch.arange(ids.shape[0]), ends] @ self.text_projection


def attend(query: Tensor, key: Tensor, value: Tensor, *, heads: int, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention of (n, length, width) rows, in plain products and a softmax; `mask` is added to scores.

    Keys and values may be of another length than queries.
    """
    of_head = query.shape[2] // heads
    q, k, v = (rows.reshape(*rows.shape[:2], heads, of_head).transpose(1, 2) for rows in (query, key, value))
    scores = (q * of_head**-0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores + mask
    mixed: Tensor = (scores.softmax(dim=-1) @ v).transpose(1, 2).flatten(2)
    return mixed


def pooled_grid(side: int) -> int:
    """Rows of the last stage's map for pictures of this edge."""
    return side // _STRIDE
