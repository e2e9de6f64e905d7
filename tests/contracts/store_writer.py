"""A process that writes to a store until it is stopped: python store_writer.py STORE SEED VIDEOS ROUNDS."""

from __future__ import annotations

import sys
from pathlib import Path

from contracts.store_samples import new_store, put, unit_vectors


def main() -> None:
    path, seed, videos, rounds = Path(sys.argv[1]), *map(int, sys.argv[2:])
    store = new_store(path)
    print("ready", flush=True)
    for _ in range(rounds):
        for number in range(videos):
            put(store, number, vectors=unit_vectors(50, seed=1000 * seed + number), provenance={"writer": str(seed)})


if __name__ == "__main__":
    main()
