"""CRIS checkpoints: every key accounted for, texts as CLIP's tokenizer cuts them, towers against independent ones."""

from __future__ import annotations

import gzip
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from family_checkpoints import CLIP_LENGTH, DIM, family_checkpoint
from framedex.embed.text import TextEncoder
from framedex.errors import ArtefactError, UsageError
from framedex_export.families.cris import SIDE, Cris, read
from framedex_export.families.cris_layout import pair_keys
from framedex_export.families.cris_network import DualEncoder, Shape
from framedex_export.families.cris_reference import warped
from framedex_export.tokenizer import write_tokenizer

OPENCV = Path(__file__).parents[1] / "embed" / "letterbox_opencv.npz"


@pytest.fixture(scope="module")
def encoder() -> Cris:
    return read(family_checkpoint("cris"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(family_checkpoint("cris"), tmp_path / "checkpoint")


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the state_dict."""
    value = torch.load(folder / "best_model.pth", weights_only=True)
    change(value["state_dict"])
    torch.save(value, folder / "best_model.pth")


def test_a_sound_checkpoint_is_read_from_its_folder_and_its_file(encoder: Cris) -> None:
    same = read(family_checkpoint("cris") / "best_model.pth")
    assert (same.weights_sha256, same.dim) == (encoder.weights_sha256, DIM)
    assert (encoder.image.resize, encoder.image.size, encoder.image.antialias) == ("letterbox", (416, 416), False)
    assert encoder.logit_scale == pytest.approx(1 / 0.07)
    assert encoder.logit_bias is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("module.backbone.visual.layer3.1.bn2.running_var"),
            r"1 missing \(backbone.visual.layer3.1.bn2.running_var\), 0 unknown \(-\)",
        ),
        (
            lambda state: [state.pop(name) for name in list(state) if name.startswith("module.proj.vis.3")],
            r"6 missing \(proj.vis.3.0.weight, proj.vis.3.1.bias, .*\), 0 unknown",
        ),
        (
            lambda state: state.update({"module.neck.extra.weight": torch.zeros(1), "module.head": torch.zeros(1)}),
            r"0 missing \(-\), 2 unknown \(head, neck.extra.weight\)",
        ),
        (
            lambda state: state.update({"module.backbone.visual.conv1.bias": torch.zeros(1)}),
            r"1 unknown \(backbone.visual.conv1.bias\)",
        ),
        (
            lambda state: [state.pop(name) for name in list(state) if "backbone" in name],
            r"its keys are not CRIS's: \d+ missing \(backbone\..*\), 0 unknown \(-\)",
        ),
        (
            lambda state: (
                [state.pop(f"module.backbone.{name}") for name in ("ln_final.bias", "ln_final.weight", "logit_scale")]
                + [state.update({"module.extra": torch.zeros(1)})]
            ),
            r"3 missing \(backbone.ln_final.bias, backbone.ln_final.weight, backbone.logit_scale\), 1 unknown \(extra\)",
        ),
        (
            lambda state: state.update({"backbone.visual.conv1.weight": torch.zeros(1)}),
            r"expected every key to begin with 'module.', got 1 that do not: backbone.visual.conv1.weight",
        ),
        (
            lambda state: state.update({"module.backbone.visual.conv2.weight": torch.zeros(4, 4, 5, 5)}),
            r"1 tensors are of other shapes .*: expected \[4, 4, 3, 3\], got \[4, 4, 5, 5\]; all: visual.conv2.weight",
        ),
        (
            lambda state: state.update({"module.backbone.ln_final.weight": torch.zeros(60)}),
            r"expected a text width that is a multiple of 64 .*, got 60 and 8",
        ),
        (
            lambda state: state.update({"module.backbone.ln_final.weight": torch.tensor(1.0)}),
            r"expected tensors with dimensions, got single numbers: ln_final.weight",
        ),
        (
            lambda state: state["module.backbone.visual.attnpool.connect.0.weight"][0, 0].fill_(math.nan),
            r"weight visual.attnpool.connect.0.weight holds NaN or infinity",
        ),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    _edit(folder, change)
    with pytest.raises(ArtefactError, match=message) as caught:
        read(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            lambda path: path.write_bytes(path.read_bytes()[:-1000]),
            r"do not load: it is cut, .*\d+ bytes\); copy it again$",
        ),
        (lambda path: path.write_bytes(b"no torch file"), r"do not load: it is cut, .* \(13 bytes\); copy it again$"),
        (lambda path: torch.save({"state_dict": nn.Linear(1, 1)}, path), "its weights do not load"),
        (lambda path: torch.save({"model": {}}, path), "expected a dictionary with a state_dict of tensors"),
        (lambda path: torch.save([1], path), "expected a dictionary with a state_dict of tensors"),
        (lambda path: torch.save({"state_dict": {"module.a": 1}}, path), "with a state_dict of tensors"),
        (lambda path: path.unlink(), r"expected one .pth or .pt file, got 0"),
        (lambda path: shutil.copy(path, path.with_name("last_model.pth")), r"expected one .pth or .pt file, got 2"),
        (lambda path: path.with_name("tokenizer.json").unlink(), "no tokenizer; expected CLIP's: tokenizer.json or"),
    ],
)
def test_files_that_are_none_are_refused(folder: Path, write: Callable[[Path], object], message: str) -> None:
    write(folder / "best_model.pth")
    with pytest.raises(ArtefactError, match=message):
        read(folder)


def test_no_file_and_words_out_of_range_are_usage(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        read(tmp_path / "nowhere.pth")
    for words in (2, CLIP_LENGTH + 1):
        with pytest.raises(UsageError, match=f"expected 3 to 77 words, got {words}"):
            read(folder, words=words)


def test_half_precision_weights_become_float32(folder: Path, encoder: Cris) -> None:
    _edit(folder, lambda state: state.update({name: t.half() for name, t in state.items() if t.is_floating_point()}))
    assert {value.dtype for value in read(folder).network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("blocks", "dim", "text_width", "image_m", "total_m"),
    [((3, 4, 6, 3), 1024, 512, 40, 104), ((3, 4, 23, 3), 512, 512, 57, 121)],
    ids=["RN50", "RN101"],
)
def test_sizes_are_those_of_clips_resnets(
    blocks: tuple[int, int, int, int], dim: int, text_width: int, image_m: int, total_m: int
) -> None:
    """CLIP's own 38 and 102 million for ResNet-50, 56 and 120 for ResNet-101, and `connect`, of 2048 x dim, beside."""
    shape = Shape(
        width=64, blocks=blocks, grid=7, dim=dim, vocabulary=49408, context=77, text_width=text_width, text_layers=12
    )
    with torch.device("meta"):
        network = DualEncoder(shape)
        stages = network.visual.stages(torch.empty(2, 3, SIDE, SIDE))
        pooled = network.visual.attnpool(stages[-1], network.visual.attnpool.positions(13, 13))
    assert Shape.of(network.state_dict()) == shape
    assert [tuple(stage.shape[1:]) for stage in stages] == [(512, 52, 52), (1024, 26, 26), (2048, 13, 13)]
    assert pooled.shape == (2, 169, dim)
    millions = [sum(value.numel() for value in part.parameters()) / 1e6 for part in (network.visual, network)]
    assert [round(each) for each in millions] == [image_m, total_m]


def test_the_pair_networks_keys_are_the_published_ones() -> None:
    keys = list(pair_keys(3))
    assert len(keys) == len(set(keys)) == 6 * 13 - 1 + 3 * 24 + 2 + 16
    for key in (
        "neck.txt_proj.0.weight",
        "neck.norm_layer.0.running_mean",
        "neck.coordconv.0.conv1.1.num_batches_tracked",
        "decoder.layers.2.multihead_attn.in_proj_weight",
        "decoder.layers.0.ffn.3.bias",
        "decoder.norm.weight",
        "proj.vis.4.bias",
        "proj.txt.weight",
    ):
        assert key in keys


def test_the_attention_pool_is_torchs_own_attention_beside_a_convolution(encoder: Cris) -> None:
    pool = encoder.network.visual.attnpool
    values = torch.randn(2, pool.q_proj.in_features, 5, 4)
    rows = values.flatten(2).permute(2, 0, 1)
    positions = pool.positional_embedding[1:].reshape(1, 7, 7, -1).permute(0, 3, 1, 2)
    rows = rows + nn.functional.interpolate(positions, (5, 4), mode="bicubic").flatten(2).permute(2, 0, 1)
    with torch.inference_mode():
        mixed, _ = nn.functional.multi_head_attention_forward(
            rows, rows, rows, rows.shape[-1], pool.heads,
            None, torch.cat([pool.q_proj.bias, pool.k_proj.bias, pool.v_proj.bias]), None, None, False, 0.0,
            pool.c_proj.weight, pool.c_proj.bias, training=False, need_weights=False, use_separate_proj_weight=True,
            q_proj_weight=pool.q_proj.weight, k_proj_weight=pool.k_proj.weight, v_proj_weight=pool.v_proj.weight,
        )  # fmt: skip
        expected = torch.relu(mixed.permute(1, 2, 0).reshape(2, DIM, 5, 4) + pool.connect(values))
        got = pool(values, pool.positions(5, 4))
    assert torch.allclose(got.transpose(1, 2).reshape(2, DIM, 5, 4), expected, atol=1e-5)
    assert expected.std() > 0.1


def test_a_residual_block_is_the_published_one(encoder: Cris) -> None:
    """Written out with functions: pooling before the last convolution and before the one beside."""
    block = encoder.network.visual.layer2[0]
    values = torch.randn(1, block.conv1.in_channels, 8, 8)

    def normal(rows: torch.Tensor, at: nn.BatchNorm2d) -> torch.Tensor:
        mean, deviation = at.running_mean[:, None, None], (at.running_var[:, None, None] + 1e-5).sqrt()
        return (rows - mean) / deviation * at.weight[:, None, None] + at.bias[:, None, None]

    with torch.inference_mode():
        inner = normal(nn.functional.conv2d(values, block.conv1.weight), block.bn1).relu()
        inner = normal(nn.functional.conv2d(inner, block.conv2.weight, padding=1), block.bn2).relu()
        inner = normal(nn.functional.conv2d(nn.functional.avg_pool2d(inner, 2), block.conv3.weight), block.bn3)
        beside = nn.functional.conv2d(nn.functional.avg_pool2d(values, 2), block.downsample[0].weight)
        expected = (inner + normal(beside, block.downsample[1])).relu()
        assert torch.allclose(block(values), expected, rtol=1e-4, atol=1e-4)


def test_the_text_tower_is_clips_in_transformers(encoder: Cris) -> None:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    network = encoder.network
    config = CLIPTextConfig(
        vocab_size=len(network.token_embedding.weight),
        hidden_size=64,
        intermediate_size=256,
        projection_dim=DIM,
        num_hidden_layers=1,
        num_attention_heads=1,
        bos_token_id=encoder.text.tokenizer.bos_token_id,
        eos_token_id=encoder.text.tokenizer.eos_token_id,
    )
    ours, theirs = network.state_dict(), CLIPTextModelWithProjection(config).eval()
    at, layer = "transformer.resblocks.0.", "text_model.encoder.layers.0."
    state = {
        "text_model.embeddings.token_embedding.weight": ours["token_embedding.weight"],
        "text_model.embeddings.position_embedding.weight": ours["positional_embedding"],
        "text_projection.weight": ours["text_projection"].T.contiguous(),
    }
    for kind in ("weight", "bias"):
        state[f"text_model.final_layer_norm.{kind}"] = ours[f"ln_final.{kind}"]
        state[f"{layer}layer_norm1.{kind}"] = ours[f"{at}ln_1.{kind}"]
        state[f"{layer}layer_norm2.{kind}"] = ours[f"{at}ln_2.{kind}"]
        state[f"{layer}mlp.fc1.{kind}"] = ours[f"{at}mlp.c_fc.{kind}"]
        state[f"{layer}mlp.fc2.{kind}"] = ours[f"{at}mlp.c_proj.{kind}"]
        state[f"{layer}self_attn.out_proj.{kind}"] = ours[f"{at}attn.out_proj.{kind}"]
        for name, part in zip("qkv", ours[f"{at}attn.in_proj_{kind}"].chunk(3), strict=True):
            state[f"{layer}self_attn.{name}_proj.{kind}"] = part
    theirs.load_state_dict(state)
    ids = torch.tensor(encoder.text.ids(["a red dog", "two cats run on the beach at night", "word " * 40]))
    with torch.inference_mode():
        expected = nn.functional.normalize(theirs(input_ids=ids).text_embeds)
        got = encoder.text_tower()(ids)
    assert torch.allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["7x5", "24x24", "45x80", "1x1", "90x31", "360x640"])
def test_the_reference_preprocessing_is_opencvs_to_the_bit(name: str) -> None:
    height, width = map(int, name.split("x"))
    picture = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)
    with np.load(OPENCV) as golden:
        assert np.array_equal(warped(picture, 24, (123, 117, 104)), golden[name])


@pytest.mark.parametrize("words", [17, 22])
def test_texts_are_padded_with_0_and_cut_at_their_end(tmp_path: Path, words: int) -> None:
    encoder = read(family_checkpoint("cris"), words=words)
    path = tmp_path / "tokenizer.json"
    written = write_tokenizer(encoder.text, encoder.tokenizers(), path)
    tokenizer = encoder.text.tokenizer
    batch = TextEncoder(path, written.rules).encode(["The RED dog, left!", "dog " * (words - 2), "dog " * (words - 1)])
    plain = tokenizer("The RED dog, left!")["input_ids"]
    assert batch.ids[0].tolist() == plain + [0] * (words - len(plain))
    assert batch.truncated.tolist() == [False, False, True]
    assert np.array_equal(batch.ids[1], batch.ids[2])
    assert batch.ids[2, -1] == tokenizer.eos_token_id


def test_the_authors_list_of_merges_is_a_tokenizer(folder: Path, encoder: Cris) -> None:
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    for path in folder.glob("tokenizer*"):
        path.unlink()
    (folder / "bpe_simple_vocab_16e6.txt.gz").write_bytes(gzip.compress(f'"bpe_simple_vocab"\n{merges}\n'.encode()))
    other = read(folder).text.tokenizer
    assert other.convert_ids_to_tokens([0, 93, 255, 256, 511]) == ["!", "~", "Ń", "!</w>", "Ń</w>"]
    assert other.eos_token_id == other.bos_token_id + 1 == 513 + len(model["merges"])
    text = "The red DOG's café, 42?"
    pieces = [
        tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) for tokenizer in (other, encoder.text.tokenizer)
    ]
    assert pieces[0] == pieces[1]
    (folder / "bpe_simple_vocab_16e6.txt.gz").write_bytes(b"cut")
    with pytest.raises(ArtefactError, match="its tokenizer does not load"):
        read(folder)
