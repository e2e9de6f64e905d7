"""CRIS's network over picture and sentence in torch: neck, decoder and projector, in two parts around where the text enters.

Attributes are named as the checkpoint's keys are. Sources: Wang et al., CRIS: CLIP-Driven Referring Image Segmentation, CVPR
2022 (sections 3.1 to 3.3); names, kernel sizes and order of steps from CRIS.pytorch, `model/layers.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from framedex_export.families.cris_layout import count_of
from framedex_export.families.cris_network import attend

#: Of every published configuration; no tensor's shape tells it.
HEADS = 8

_TAPS = 3
_WAVELENGTH = 10_000.0
_RULERS = (
    "neck.f1_v_proj.0.weight",
    "neck.f2_v_proj.0.weight",
    "neck.f3_v_proj.0.weight",
    "decoder.layers.0.ffn.0.weight",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairShape:
    """The sizes of the network over pairs, all of which can be read off its tensors.

    Attributes:
        taken: channels of the second, third and last stage's map, as the neck takes them: 512, 1024, 1024 with ResNet-50.
        fused: channels of the neck's three maps, the largest map first: 256, 512, 1024.
        hidden: of the decoder's two-layer networks: 2048.
        layers: of the decoder: 3.
    """

    taken: tuple[int, int, int]
    fused: tuple[int, int, int]
    hidden: int
    layers: int

    @classmethod
    def of(cls, state: Mapping[str, Tensor]) -> Self:
        """Read the sizes off the tensors of neck and decoder.

        Raises:
            KeyError: a tensor that says one is missing.
            ValueError: one has other dimensions, or the decoder's width cannot be parted among its heads.
        """
        rulers = [state[name] for name in _RULERS]
        flat = [f"{name} {list(ruler.shape)}" for name, ruler in zip(_RULERS, rulers, strict=True) if ruler.ndim < 2]
        if flat:
            raise ValueError(f"expected tensors of two dimensions or more, got {', '.join(flat)}")
        last, middle, second, hidden = (tuple(ruler.shape) for ruler in rulers)
        if middle[0] % (4 * HEADS):
            raise ValueError(f"expected a decoder's width that is a multiple of {4 * HEADS}, got {middle[0]}")
        return cls(
            taken=(second[1], middle[1], last[1]),
            fused=(second[0], middle[0], last[0]),
            hidden=hidden[0],
            layers=count_of(state, "decoder.layers."),
        )

    @property
    def width(self) -> int:
        """Channels of the decoder."""
        return self.fused[1]


class Coordinates(nn.Module):
    """A convolution that also sees where it is: two more channels hold x and y from -1 to 1."""

    grid: Tensor

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.conv1 = _convolution(channels + 2, channels, 3)
        # The device is said: transformers replaces linspace for a while, and after that torch's default device is not its own.
        line = torch.linspace(-1, 1, side, device=next(self.conv1.parameters()).device)
        grid = torch.stack([line.expand(side, side), line[:, None].expand(side, side)])
        self.register_buffer("grid", grid[None].contiguous(), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """(k, channels, side, side) to the same."""
        mapped: Tensor = self.conv1(torch.cat([values, self.grid.expand(values.shape[0], -1, -1, -1)], dim=1))
        return mapped


class Neck(nn.Module):
    """Three maps of the picture and the sentence's vector, fused from the smallest map to the largest.

    Args:
        shape: of the network.
        side: edge of what it gives: 26 for pictures of 416.
    """

    def __init__(self, shape: PairShape, side: int) -> None:
        super().__init__()
        (in3, in4, in5), (out3, out4, out5) = shape.taken, shape.fused
        self.txt_proj = nn.Sequential(nn.Linear(in5, out5, bias=False), nn.BatchNorm1d(out5), nn.ReLU())
        self.f1_v_proj = _convolution(in5, out5, 1)
        self.norm_layer = nn.Sequential(nn.BatchNorm2d(out5), nn.ReLU())
        self.f2_v_proj, self.f2_cat = _convolution(in4, out4, 3), _convolution(out5 + out4, out4, 1)
        self.f3_v_proj, self.f3_cat = _convolution(in3, out3, 3), _convolution(out3 + out4, out4, 1)
        self.f4_proj5, self.f4_proj4 = _convolution(out5, out4, 3), _convolution(out4, out4, 3)
        self.f4_proj3 = _convolution(out4, out4, 3)
        self.aggr = _convolution(3 * out4, out4, 1)
        self.coordconv = nn.Sequential(Coordinates(out4, side), _convolution(out4, out4, 3))

    def visual(self, maps: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """What of the neck sees the picture alone: (n, ·, 4h, 4w), (n, ·, 2h, 2w), (n, ·, h, w), the largest map halved."""
        second, third, last = maps
        return (
            nn.functional.avg_pool2d(self.f3_v_proj(second), 2),
            self.f2_v_proj(third),
            self.f1_v_proj(last),
        )

    def fused(self, visual: tuple[Tensor, Tensor, Tensor], state: Tensor) -> Tensor:
        """The rest, from `visual` of one picture (1, …) or of k, and the vectors of k sentences (k, dim): (k, width, 2h, 2w)."""
        large, middle, small = visual
        f5 = self.norm_layer(small * self.txt_proj(state)[:, :, None, None])
        f4 = self.f2_cat(torch.cat([middle.expand(f5.shape[0], -1, -1, -1), _doubled(f5)], dim=1))
        f3 = self.f3_cat(torch.cat([large.expand(f5.shape[0], -1, -1, -1), f4], dim=1))
        parts = [self.f4_proj3(f3), self.f4_proj4(f4), _doubled(self.f4_proj5(f5))]
        mapped: Tensor = self.coordconv(self.aggr(torch.cat(parts, dim=1)))
        return mapped


class Attention(nn.Module):
    """Attention under the names of torch's own module, whose three projections are one tensor."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) / math.sqrt(width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """(k, length, width) rows; `mask` is added to the scores."""
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        rows = [nn.functional.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]
        mixed: Tensor = self.out_proj(attend(*rows, heads=HEADS, mask=mask))
        return mixed


class DecoderLayer(nn.Module):
    """Pixels attend to pixels, then to words, then pass a two-layer network; attention is normalised before and after."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.self_attn, self.multihead_attn = Attention(width), Attention(width)
        self.self_attn_norm, self.cross_attn_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        # The third step is the dropout of training.
        self.ffn = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Identity(), nn.LayerNorm(hidden), nn.Linear(hidden, width)
        )

    def forward(self, pixels: Tensor, words: Tensor, keys: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        """(k, h * w, width) pixels to the same.

        Args:
            pixels: rows of the map.
            words: (k, length, width).
            keys: the words with their places.
            places: of the pixels, (h * w, width).
            mask: (k, 1, 1, length), added to the scores of words.
        """
        normed = self.norm1(pixels)
        placed = normed + places
        pixels = pixels + self.self_attn_norm(self.self_attn(placed, placed, normed))
        normed = self.norm2(pixels)
        pixels = pixels + self.cross_attn_norm(self.multihead_attn(normed + places, keys, words, mask))
        deeper: Tensor = pixels + self.ffn(self.norm3(pixels))
        return deeper


class Decoder(nn.Module):
    """A transformer over the pixels of the fused map, which look at the words of the sentence."""

    pixel_places: Tensor
    word_places: Tensor

    def __init__(self, shape: PairShape, side: int, words: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(shape.width, shape.hidden) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        # Half of the channels tell the column, half the line.
        columns = waves(side, shape.width // 2)[None].expand(side, side, -1)
        both = torch.cat([columns, columns.transpose(0, 1)], dim=-1)
        self.register_buffer("pixel_places", both.reshape(side * side, shape.width).contiguous(), persistent=False)
        self.register_buffer("word_places", waves(words, shape.width), persistent=False)

    def forward(self, fused: Tensor, words: Tensor, padding: Tensor) -> Tensor:
        """(k, width, side, side), (k, length, width), (k, length) to (k, width, side, side)."""
        pixels = fused.flatten(2).transpose(1, 2)
        keys, mask = words + self.word_places, padding[:, None, None, :]
        for layer in self.layers:
            pixels = layer(pixels, words, keys, self.pixel_places, mask)
        decoded: Tensor = self.norm(pixels).transpose(1, 2).reshape(fused.shape)
        return decoded


class Projector(nn.Module):
    """The map four times as large, under a 3 x 3 kernel and a bias that are made of the sentence."""

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        half = width // 2
        self.vis = nn.Sequential(
            _Doubled(),
            _convolution(width, width, 3),
            _Doubled(),
            _convolution(width, half, 3),
            nn.Conv2d(half, half, 1),
        )
        self.txt = nn.Linear(dim, half * _TAPS * _TAPS + 1)

    def forward(self, decoded: Tensor, state: Tensor) -> Tensor:
        """(k, width, h, w) and (k, dim) to logits (k, 4h, 4w)."""
        values = self.vis(decoded)
        kernel, bias = self.txt(state).split([values.shape[1] * _TAPS * _TAPS, 1], dim=1)
        # One product for all nine taps, then their sum in place: a convolution whose kernel is no constant exports nowhere.
        taps = kernel.reshape(-1, values.shape[1], _TAPS * _TAPS).transpose(1, 2) @ values.flatten(2)
        height, width = values.shape[2:]
        planes = nn.functional.pad(taps.reshape(-1, _TAPS * _TAPS, height, width), (1, 1, 1, 1))
        logits: Tensor = bias[:, :, None].expand(-1, height, width)
        for tap in range(_TAPS * _TAPS):
            row, column = divmod(tap, _TAPS)
            logits = logits + planes[:, tap, row : row + height, column : column + width]
        return logits


class PairNetwork(nn.Module):
    """Neck, decoder and projector.

    Args:
        shape: of the network.
        dim: of the sentence's vector.
        side: edge of the fused map: 26 for pictures of 416.
        words: ids per text.
    """

    def __init__(self, shape: PairShape, *, dim: int, side: int, words: int) -> None:
        super().__init__()
        self.neck = Neck(shape, side)
        self.decoder = Decoder(shape, side, words)
        self.proj = Projector(shape.width, dim)

    def forward(self, visual: tuple[Tensor, Tensor, Tensor], words: Tensor, state: Tensor, padding: Tensor) -> Tensor:
        """The neck's `visual` part and k sentences to logits (k, 4 * side, 4 * side).

        Args:
            visual: of one picture, with a first dimension of 1, or of k.
            words: (k, length, width), what the text transformer makes of each id.
            state: (k, dim), the sentence's vector.
            padding: (k, length), 0 for words and the lowest float32 for padding.
        """
        logits: Tensor = self.proj(self.decoder(self.neck.fused(visual, state), words, padding), state)
        return logits


def waves(length: int, width: int) -> Tensor:
    """Sines and cosines of positions 0, 1, …, float32 (length, width), in turn.

    Source: Vaswani et al., Attention Is All You Need, 2017, section 3.5.
    """
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(_WAVELENGTH) / width))
    angles = torch.arange(length)[:, None] * frequencies
    both: Tensor = torch.stack([angles.sin(), angles.cos()], dim=-1)
    return both.reshape(length, width)


class _Doubled(nn.Module):
    """An upsampling step without weights."""

    def forward(self, values: Tensor) -> Tensor:
        """(k, channels, h, w) to (k, channels, 2h, 2w)."""
        return _doubled(values)


def _doubled(values: Tensor) -> Tensor:
    return nn.functional.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)


def _convolution(taken: int, given: int, kernel: int) -> nn.Sequential:
    """A convolution that keeps the map's size, a normalisation and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(taken, given, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(given), nn.ReLU()
    )
