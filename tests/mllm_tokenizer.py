"""A tokenizer.json as MLLMs' checkpoints have it: byte-level BPE, special tokens first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_TEXTS = [
    "User: You are provided the following series of three frames from a 0:01:15 [H:MM:SS] video. Assistant:",
    "Frame from 00:00: Frame from 01:02: What colour is the dog? Answer with the option's letter. Answer with text.",
    "A. red B. blue C. green D. yellow A B C D (A (B (C (D striped thing red blue green yellow dog cat",
]


def write_tokenizer(folder: Path, special: Sequence[str]) -> int:
    """Write a byte-level BPE with these special tokens, the first ids theirs; its size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        min_frequency=1,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    return int(tokenizer.get_vocab_size())
