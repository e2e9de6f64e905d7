"""Visual tokens on disk: what is read is what was put, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from framedex.mllm.token_files import TokenFiles

KEY = "ab" * 16


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_tokens_come_back_to_the_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    files = TokenFiles(tmp_path, "m" * 32)
    tokens = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert files.get(KEY) is None
    files.put(KEY, tokens)
    got = files.get(KEY)
    assert got is not None
    assert got.dtype == dtype
    assert torch.equal(got, tokens)
    assert files.damaged == 0


def test_other_models_and_other_frames_are_others(tmp_path: Path) -> None:
    TokenFiles(tmp_path, "m" * 32).put(KEY, torch.ones(1, 2))
    assert TokenFiles(tmp_path, "n" * 32).get(KEY) is None
    assert TokenFiles(tmp_path, "m" * 32).get("cd" * 16) is None


def test_every_damaged_byte_is_noticed(tmp_path: Path) -> None:
    files = TokenFiles(tmp_path, "m" * 32)
    files.put(KEY, torch.arange(6.0).reshape(2, 3))
    path = files.path(KEY)
    whole = path.read_bytes()
    noticed = 0
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        got = files.get(KEY)
        # A space in the header's padding says nothing.
        assert got is None or torch.equal(got, torch.arange(6.0).reshape(2, 3))
        noticed += got is None
    assert noticed > 24
    assert files.damaged == 1, "one file"
    for cut in (0, 7, 40, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert files.get(KEY) is None
    files.put(KEY, torch.zeros(1, 1))
    assert torch.equal(files.get(KEY), torch.zeros(1, 1))  # type: ignore[arg-type]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_file_that_was_evicted_is_read_all_the_same(tmp_path: Path) -> None:
    files = TokenFiles(tmp_path, "m" * 32)
    files.evict(KEY)
    files.put(KEY, torch.ones(2, 3))
    files.evict(KEY)
    assert torch.equal(files.get(KEY), torch.ones(2, 3))  # type: ignore[arg-type]
