# ruff: noqa: A005
"""How fast are frames selected, against NumPy over many curves at once?

    python bench/select.py            1,000 videos × 180 frames, 20 prompts each; minutes
    python bench/select.py --quick    100 videos

Scores are made up, float32, as a look-up gives them: a few events of different height over unrest. Timed is one call that ends
with the rows of five budgets of every curve in memory; embeddings are halves for us, as stored, and float32 for NumPy.

    row                  what runs
    ours.<sampler>       framedex.select_many with the one sampler
    numpy.<sampler>      bench/select_peers.py: curves of one length stacked, in parts that stay in the cache, parts shared by a
                         pool; uniform's rows once, tiled; products between frames in one batched call of NumPy's own threads
    ours.all             all ten samplers in one call
    ours.ragged          all but mmr, as many frames in all, in videos of 90 to 270
    floor.write          writing as many rows as ours.all gives, the same threads
    floor.uniform        as many as ours.uniform gives

Answers are compared before anything is timed: with framedex.select one by one for some of the curves, and with NumPy's for all.
There, sums in another order may decide otherwise between windows, segments or frames that are equal but for rounding: selections
that differ are counted, and more than one in 10,000 is not equal. Ways take turns; figures are medians. There is no ceiling of
arithmetic: the best that selecting could be is to write its rows down, which is the floor.
"""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

if __name__ == "__main__":
    from select_bench import main

    sys.exit(main(__doc__ or ""))

# Whoever imports `select` beside this file means the standard library's, which subprocess needs.
_elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
_spec = importlib.machinery.PathFinder.find_spec("select", _elsewhere)
assert _spec is not None
assert _spec.loader is not None
sys.modules[__name__] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules[__name__])
