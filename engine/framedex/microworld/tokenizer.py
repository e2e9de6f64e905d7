"""The tokenizer of micro-siglip: a SentencePiece unigram model over the micro-world's own captions."""

import itertools
import string
from collections.abc import Iterator
from pathlib import Path

import sentencepiece
from transformers import SiglipTokenizer

from framedex.microworld.things import (
    COLOUR_PARAPHRASES,
    COLOURS,
    FILLER_WORDS,
    PARAPHRASES,
    TEXTURE_PARAPHRASES,
    TEXTURES,
    fill,
)

MAX_TOKENS = 16
EOS_ID = 1

_VOCABULARY_LIMIT = 256
# Every word is repeated this often on its own, which makes whole words cheaper than any spelling of them.
_WORD_REPEATS = 200


def captions() -> list[str]:
    """Return every text that a caption template of the micro-world can make."""
    texts = [fill(template, colour=c, texture=t) for template in PARAPHRASES for c in COLOURS for t in TEXTURES]
    texts += [fill(template, colour=c) for template in COLOUR_PARAPHRASES for c in COLOURS]
    texts += [fill(template, texture=t) for template in TEXTURE_PARAPHRASES for t in TEXTURES]
    return texts


def _sentences() -> Iterator[str]:
    texts = captions()
    yield from texts
    words = sorted({word for text in texts for word in text.split()} | set(FILLER_WORDS))
    for word in words:
        yield from itertools.repeat(word, _WORD_REPEATS)


def train_tokenizer(folder: Path) -> SiglipTokenizer:
    """Train the tokenizer and write `folder/spiece.model`.

    Ids follow the T5 vocabulary that SigLIP uses: 0 padding, 1 end of sentence (which SigLIP also pads with), 2 unknown.
    All Latin letters are pieces, so an unknown word is spelled; other characters become the unknown piece.
    """
    path = folder / "spiece.model"
    with path.open("wb") as writer:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(),
            model_writer=writer,
            model_type="unigram",
            vocab_size=_VOCABULARY_LIMIT,
            hard_vocab_limit=False,
            character_coverage=1.0,
            # SiglipTokenizer encodes behind a literal "<unk>", whose characters must therefore be pieces.
            required_chars=string.ascii_lowercase + string.digits + "<>",
            pad_id=0,
            eos_id=EOS_ID,
            unk_id=2,
            bos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
    return SiglipTokenizer(vocab_file=str(path), model_max_length=MAX_TOKENS)
