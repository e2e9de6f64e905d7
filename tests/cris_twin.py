"""CRIS's network over picture and sentence a second time, plain and unsplit, of torch's own attention and convolutions.

Module names are the checkpoint's, so one state fits both. The projector's convolution has one group per pair.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv(taken: int, given: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(taken, given, kernel, padding=(kernel - 1) // 2, bias=False), nn.BatchNorm2d(given), nn.ReLU()
    )


class TwinCoordinates(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(channels + 2, channels, 3)

    def forward(self, values: Tensor) -> Tensor:
        n, _, h, w = values.shape
        x = torch.tensor([[2 * column / (w - 1) - 1 for column in range(w)] for _ in range(h)])
        y = torch.tensor([[2 * row / (h - 1) - 1 for _ in range(w)] for row in range(h)])
        return self.conv1(torch.cat([values, torch.stack([x, y]).repeat(n, 1, 1, 1)], dim=1))


class TwinNeck(nn.Module):
    def __init__(self, taken: tuple[int, int, int], fused: tuple[int, int, int]) -> None:
        super().__init__()
        self.txt_proj = nn.Sequential(nn.Linear(taken[2], fused[2], bias=False), nn.BatchNorm1d(fused[2]), nn.ReLU())
        self.f1_v_proj = conv(taken[2], fused[2], 1)
        self.norm_layer = nn.Sequential(nn.BatchNorm2d(fused[2]), nn.ReLU())
        self.f2_v_proj = conv(taken[1], fused[1], 3)
        self.f2_cat = conv(fused[2] + fused[1], fused[1], 1)
        self.f3_v_proj = conv(taken[0], fused[0], 3)
        self.f3_cat = conv(fused[0] + fused[1], fused[1], 1)
        self.f4_proj5 = conv(fused[2], fused[1], 3)
        self.f4_proj4 = conv(fused[1], fused[1], 3)
        self.f4_proj3 = conv(fused[1], fused[1], 3)
        self.aggr = conv(3 * fused[1], fused[1], 1)
        self.coordconv = nn.Sequential(TwinCoordinates(fused[1]), conv(fused[1], fused[1], 3))

    def forward(self, v3: Tensor, v4: Tensor, v5: Tensor, state: Tensor) -> Tensor:
        gate = self.txt_proj(state).unsqueeze(-1).unsqueeze(-1)
        f5 = self.norm_layer(self.f1_v_proj(v5) * gate)
        f5_large = functional.interpolate(f5, scale_factor=2, mode="bilinear")
        f4 = self.f2_cat(torch.cat((self.f2_v_proj(v4), f5_large), 1))
        f3 = self.f3_cat(torch.cat((functional.avg_pool2d(self.f3_v_proj(v3), 2, 2), f4), 1))
        q5 = functional.interpolate(self.f4_proj5(f5), scale_factor=2, mode="bilinear")
        return self.coordconv(self.aggr(torch.cat((self.f4_proj3(f3), self.f4_proj4(f4), q5), 1)))


class TwinLayer(nn.Module):
    def __init__(self, width: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, dropout=0.1)
        self.multihead_attn = nn.MultiheadAttention(width, heads, dropout=0.1)
        self.ffn = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(0.1), nn.LayerNorm(hidden), nn.Linear(hidden, width)
        )
        for name in ("self_attn_norm", "cross_attn_norm", "norm1", "norm2", "norm3"):
            setattr(self, name, nn.LayerNorm(width))

    def forward(self, vis: Tensor, txt: Tensor, vis_pos: Tensor, txt_pos: Tensor, blocked: Tensor) -> Tensor:
        inner = self.norm1(vis)
        inner = self.self_attn(inner + vis_pos, inner + vis_pos, value=inner)[0]
        vis = vis + self.self_attn_norm(inner)
        inner = self.norm2(vis)
        inner = self.multihead_attn(inner + vis_pos, txt + txt_pos, value=txt, key_padding_mask=blocked)[0]
        vis = vis + self.cross_attn_norm(inner)
        return vis + self.ffn(self.norm3(vis))


class TwinDecoder(nn.Module):
    def __init__(self, width: int, hidden: int, layers: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TwinLayer(width, hidden, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, vis: Tensor, txt: Tensor, blocked: Tensor) -> Tensor:
        n, width, h, w = vis.shape
        vis_pos = torch.zeros(h * w, 1, width)
        for place in range(h * w):
            vis_pos[place, 0, : width // 2] = wave(place % w, width // 2)
            vis_pos[place, 0, width // 2 :] = wave(place // w, width // 2)
        txt_pos = torch.stack([wave(place, width) for place in range(txt.shape[1])]).unsqueeze(1)
        rows = vis.reshape(n, width, -1).permute(2, 0, 1)
        for layer in self.layers:
            rows = layer(rows, txt.permute(1, 0, 2), vis_pos, txt_pos, blocked)
        return self.norm(rows).permute(1, 2, 0).reshape(n, width, h, w)


class TwinProjector(nn.Module):
    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.vis = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"),
            conv(width, width, 3),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            conv(width, width // 2, 3),
            nn.Conv2d(width // 2, width // 2, 1),
        )
        self.txt = nn.Linear(dim, width // 2 * 9 + 1)

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        values = self.vis(values)
        n, channels, h, w = values.shape
        made = self.txt(state)
        kernels = made[:, :-1].reshape(n, channels, 3, 3)
        together = functional.conv2d(
            values.reshape(1, n * channels, h, w), kernels, padding=1, groups=n, bias=made[:, -1]
        )
        return together[0]


class Twin(nn.Module):
    """The network as one forward pass over n pictures and as many sentences."""

    def __init__(
        self,
        taken: tuple[int, int, int],
        fused: tuple[int, int, int],
        *,
        hidden: int,
        layers: int,
        dim: int,
        heads: int = 8,
    ) -> None:
        super().__init__()
        self.neck = TwinNeck(taken, fused)
        self.decoder = TwinDecoder(fused[1], hidden, layers, heads)
        self.proj = TwinProjector(fused[1], dim)

    def forward(self, maps: tuple[Tensor, Tensor, Tensor], words: Tensor, state: Tensor, blocked: Tensor) -> Tensor:
        return self.proj(self.decoder(self.neck(*maps, state), words, blocked), state)


def wave(place: int, width: int) -> Tensor:
    """Sine and cosine in turn, of one position."""
    values = []
    for channel in range(0, width, 2):
        angle = place / 10_000 ** (channel / width)
        values += [math.sin(angle), math.cos(angle)]
    return torch.tensor(values)
