"""CRIS's network over pairs: equal to a second one of torch's own parts, in the published sizes, strict about its checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from cris_twin import Twin
from framedex.errors import ArtefactError, UsageError
from framedex_export.families.cris_layout import pair_keys
from framedex_export.families.cris_mask import CrisMask, read
from framedex_export.families.cris_pair_network import PairNetwork, PairShape
from pair_checkpoints import pair_checkpoint

SHAPE = PairShape(taken=(12, 20, 16), fused=(24, 64, 40), hidden=48, layers=3)
DIM, SIDE, WORDS = 16, 6, 5
BLOCKED = torch.finfo(torch.float32).min


def _seeded(network: torch.nn.Module) -> dict[str, Tensor]:
    """A state with no parameter at its first value, so that each matters."""
    generator = torch.Generator().manual_seed(4)
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) / max(1, tensor[0].numel()) ** 0.5)
    return state


@pytest.fixture(scope="module")
def network() -> PairNetwork:
    network = PairNetwork(SHAPE, dim=DIM, side=SIDE, words=WORDS)
    network.load_state_dict(_seeded(network))
    return network.eval()


@pytest.fixture(scope="module")
def twin(network: PairNetwork) -> Twin:
    twin = Twin(SHAPE.taken, SHAPE.fused, hidden=SHAPE.hidden, layers=SHAPE.layers, dim=DIM)
    twin.load_state_dict(network.state_dict(), strict=True)
    return twin.eval()


def _inputs(n: int) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor, Tensor, Tensor]:
    """Maps of n pictures, words, vectors, and which words are padding: none, one, and more."""
    generator = torch.Generator().manual_seed(n)
    maps = tuple(
        torch.randn(n, channels, side, side, generator=generator)
        for channels, side in zip(SHAPE.taken, (2 * SIDE, SIDE, SIDE // 2), strict=True)
    )
    words = torch.randn(n, WORDS, SHAPE.width, generator=generator)
    blocked = torch.arange(WORDS) >= WORDS - (torch.arange(n) % (WORDS - 1))[:, None]
    return maps, words, torch.randn(n, DIM, generator=generator), blocked  # type: ignore[return-value]


def test_it_is_the_network_of_torchs_own_parts_run_unsplit(network: PairNetwork, twin: Twin) -> None:
    maps, words, state, blocked = _inputs(7)
    with torch.no_grad():
        expected = twin(maps, words, state, blocked)
        got = network(network.neck.visual(maps), words, state, blocked.float() * BLOCKED)
    assert got.shape == (7, 4 * SIDE, 4 * SIDE)
    assert expected.std() > 0.1
    assert (got - expected).abs().max() < 2e-5 * expected.abs().max()


def test_one_picture_for_many_sentences_is_each_pair_for_itself(network: PairNetwork, twin: Twin) -> None:
    maps, words, state, blocked = _inputs(5)
    first = tuple(each[:1] for each in maps)
    with torch.no_grad():
        features = network.neck.visual(first)  # type: ignore[arg-type]
        got = network(features, words, state, blocked.float() * BLOCKED)
        for row in range(5):
            one = slice(row, row + 1)
            expected = twin(first, words[one], state[one], blocked[one])
            assert (got[one] - expected).abs().max() < 2e-5 * expected.abs().max()


def test_padding_is_not_looked_at_and_words_are(network: PairNetwork) -> None:
    maps, words, state, _ = _inputs(2)
    blocked = torch.tensor([[False, False, False, True, True]] * 2)
    changed_padding, changed_word = words.clone(), words.clone()
    changed_padding[:, 3:] += 10
    changed_word[:, 2] += 10
    with torch.no_grad():
        plain, padding, word = (
            network(network.neck.visual(maps), each, state, blocked.float() * BLOCKED)
            for each in (words, changed_padding, changed_word)
        )
    assert torch.equal(plain, padding)
    assert (plain - word).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("taken", "parameters"), [((512, 1024, 1024), 42_700_000), ((512, 1024, 512), 41_000_000)], ids=["r50", "r101"]
)
def test_the_published_sizes(taken: tuple[int, int, int], parameters: int) -> None:
    """Channels of ResNet-50 and -101; keys are the layout's, text-free values are 692,224 a frame."""
    shape = PairShape(taken=taken, fused=(256, 512, 1024), hidden=2048, layers=3)
    with torch.device("meta"):
        network = PairNetwork(shape, dim=taken[2], side=26, words=17)
        maps = (torch.zeros(1, 512, 52, 52), torch.zeros(1, 1024, 26, 26), torch.zeros(1, taken[2], 13, 13))
        visual = network.eval().neck.visual(maps)
        logits = network(visual, torch.zeros(2, 17, 512), torch.zeros(2, taken[2]), torch.zeros(2, 17))
    state = network.state_dict()
    assert set(state) == set(pair_keys(3))
    assert PairShape.of(state) == shape
    assert [tuple(each.shape[1:]) for each in visual] == [(256, 26, 26), (512, 26, 26), (1024, 13, 13)]
    assert sum(each[0].numel() for each in visual) == 692_224
    assert logits.shape == (2, 104, 104)
    assert state["proj.txt.weight"].shape == (2305, taken[2])
    assert abs(sum(each.numel() for each in network.parameters()) - parameters) < 500_000


@pytest.fixture(scope="module")
def family() -> CrisMask:
    return read(pair_checkpoint("cris-mask"))


def test_a_checkpoint_is_read_by_its_own_sizes(family: CrisMask) -> None:
    assert family.text.max_length == 17
    assert family.image.resize == "letterbox"
    assert family.score.threshold == 0.35
    assert family.pair.decoder.word_places.shape == (17, 64)
    words, state, padding = family.text_part()(torch.tensor(family.text.ids(["a red dog"])))
    assert (words.shape, state.shape) == ((1, 17, 64), (1, 24))
    kept = int((torch.tensor(family.text.ids(["a red dog"])) != 0).sum())
    assert padding[0, :kept].tolist() == [0.0] * kept
    assert (padding[0, kept:] == BLOCKED).all()


def _changed(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    folder = Path(shutil.copytree(pair_checkpoint("cris-mask"), tmp_path / "checkpoint"))
    path = folder / "best_model.pth"
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint["state_dict"])
    torch.save(checkpoint, path)
    return folder


def _cut(name: str, rows: int) -> Callable[[dict[str, Any]], object]:
    def change(state: dict[str, Any]) -> None:
        state[f"module.{name}"] = state[f"module.{name}"][:rows].clone()

    return change


def _without_a_number(state: dict[str, Any]) -> None:
    state["module.decoder.norm.weight"][3] = np.nan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("module.neck.aggr.0.weight"), r"1 missing \(neck.aggr.0.weight\), 0 unknown"),
        (
            lambda state: state.update({"module.neck.extra.weight": torch.zeros(2)}),
            r"0 missing \(-\), 1 unknown \(neck.extra.weight\)",
        ),
        (_cut("proj.txt.weight", 9), r"1 tensors are of other shapes .* first proj.txt.weight: expected \[289, 24\]"),
        (_cut("neck.f2_v_proj.0.weight", 30), r"a decoder's width that is a multiple of 32, got 30"),
        (_without_a_number, r"weight decoder.norm.weight holds NaN or infinity"),
        (
            lambda state: state.update({"module.decoder.layers.0.ffn.0.weight": torch.zeros(())}),
            r"expected tensors of two dimensions or more, got decoder.layers.0.ffn.0.weight \[\]",
        ),
    ],
    ids=["missing", "unknown", "shape", "width", "NaN", "single number"],
)
def test_a_checkpoint_of_another_network_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(ArtefactError, match=message):
        read(_changed(tmp_path, change))


def test_a_checkpoint_without_weights_of_the_pair_network_is_refused() -> None:
    from family_checkpoints import family_checkpoint

    with pytest.raises(ArtefactError, match=r"best_model.pth: expected tensors of two dimensions or more"):
        read(family_checkpoint("cris"))


def test_words_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="expected 3 to 77 words, got 2"):
        read(pair_checkpoint("cris-mask"), words=2)
