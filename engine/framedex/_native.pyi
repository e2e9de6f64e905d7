"""Kernels in C++ (engine/native); built into the wheel."""

import numpy as np
from numpy.typing import NDArray

def simd_level() -> str:
    """The best level that this processor runs: "avx2" (with FMA and F16C) or "portable"."""

def scores_f16(
    prompts: NDArray[np.float32], matrix: NDArray[np.float16], *, threads: int, level: str = ""
) -> NDArray[np.float32]:
    """Inner products of every prompt with every row of `matrix`, accumulated in float32.

    A score is the same bit for bit whatever the other prompts, the other rows and `threads`. The GIL is released.

    Args:
        prompts: float32 (m, d), C-contiguous, aligned.
        matrix: float16 (n, d), C-contiguous, at any byte address.
        threads: upper bound; small work runs on fewer.
        level: "portable" or "avx2"; empty takes `simd_level()`.

    Returns:
        float32 (m, n).

    Raises:
        TypeError: another dtype, or no array.
        ValueError: not two dimensions, not C-contiguous, prompts unaligned, the two d differ, `threads` < 1, or `level` is
            unknown or not run by this processor.
    """
