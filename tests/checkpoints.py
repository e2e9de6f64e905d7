"""Makes SigLIP checkpoint folders with random weights, and artefacts of them; each is made once per process."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
import onnx

from framedex.embed.artefact import Artefact
from framedex.embed.manifest import ENCODER_KEY, MANIFEST_NAME

TokenizerFiles = Literal["spiece", "tokenizer.json"]

MAX_LENGTH = 16
IMAGE_SIZE = 32
DIM = 24

_SENTENCES = [
    "the quick brown fox jumps over the lazy dog",
    "a photo of two red and green cats on the street",
    "three blue dogs in traffic with four lights at night",
    "a person runs and plays frisbee by day on the beach",
    "the kitchen knife cuts a tomato and opens the door",
    "a picture of a closed window",
]
_WORDS = sorted({word for sentence in _SENTENCES for word in sentence.split()})


def corpus() -> list[str]:
    """Sentences that the tiny SentencePiece model is trained on: every pair of words, and every character on its own."""
    pairs = [f"{first} {second}" for first in _WORDS for second in _WORDS]
    letters = [" ".join("abcdefghijklmnopqrstuvwxyz0123456789"), "< u n k > / s é ü ß ñ 日 本"]
    return pairs + letters * 20


def train_spiece(path: Path, *, vocab_size: int = 300) -> None:
    """A Unigram model with T5's special ids, which are SigLIP's: 0 padding, 1 end, 2 unknown."""
    import sentencepiece

    with path.open("wb") as writer:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus()),
            model_writer=writer,
            model_type="unigram",
            vocab_size=vocab_size,
            hard_vocab_limit=False,
            character_coverage=1.0,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            num_threads=1,
            minloglevel=2,
        )


def make_checkpoint(
    folder: Path,
    *,
    seed: int = 0,
    tokenizer_files: TokenizerFiles = "spiece",
    resample: int = 3,
    vision: dict[str, object] | None = None,
    text: dict[str, object] | None = None,
) -> Path:
    """Write a SigLIP checkpoint with seeded random weights, its tokenizer and its PIL processor; tiny unless told."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    train_spiece(folder / "spiece.model")
    max_length = int(str((text or {}).get("max_position_embeddings", MAX_LENGTH)))
    tokenizer = SiglipTokenizer(vocab_file=str(folder / "spiece.model"), model_max_length=max_length)
    size = int(str((vision or {}).get("image_size", IMAGE_SIZE)))
    processor = SiglipImageProcessorPil(
        size={"height": size, "width": size}, resample=resample, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    tiny = {"hidden_size": DIM, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = SiglipConfig(
        vision_config=vision or {**tiny, "image_size": IMAGE_SIZE, "patch_size": 8},
        text_config=text or {**tiny, "vocab_size": len(tokenizer), "max_position_embeddings": MAX_LENGTH},
    )
    torch.manual_seed(seed)
    model = SiglipModel(config)
    with torch.no_grad():  # transformers starts both at zero
        model.logit_scale.fill_(2.0)
        model.logit_bias.fill_(-10.0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if tokenizer_files == "tokenizer.json":
        _replace_spiece(folder, max_length)
    return folder


def _replace_spiece(folder: Path, max_length: int) -> None:
    """Leave only a tokenizer.json of the Hugging Face backend: a word-level one, so that it is plainly not our conversion."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import TokenizersBackend

    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2} | {word: 3 + row for row, word in enumerate(_WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    for path in folder.glob("*token*"):
        path.unlink()
    (folder / "spiece.model").unlink()
    TokenizersBackend(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        pad_token="</s>",
        unk_token="<unk>",
        model_max_length=max_length,
    ).save_pretrained(folder)


@functools.cache
def scratch() -> Path:
    """A folder of this process, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="framedex-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def tiny_checkpoint(tokenizer_files: TokenizerFiles = "spiece") -> Path:
    """A tiny checkpoint, shared: copy it before changing it."""
    return make_checkpoint(scratch() / f"checkpoint-{tokenizer_files}", tokenizer_files=tokenizer_files)


@functools.cache
def tiny_artefact() -> Path:
    """The artefact of `tiny_checkpoint()`, made by the real exporter, shared: copy it before changing it."""
    from framedex_export.export import export_encoder

    target = scratch() / "artefact"
    export_encoder("siglip", tiny_checkpoint(), target, name="tiny-siglip", report=lambda _line: None)
    return target


def stamp(graph: Path, encoder_key: str) -> None:
    """Write into a graph that it is of another encoder, as if it had been exported for that one."""
    model = onnx.load(str(graph), load_external_data=False)
    onnx.helper.set_model_props(model, {ENCODER_KEY: encoder_key})
    onnx.save(model, str(graph))


def restore(folder: Path) -> Artefact:
    """Make an artefact's manifest say what its files are now."""
    path = folder / MANIFEST_NAME
    value = json.loads(path.read_text())
    for name in value["files"]:
        data = (folder / name).read_bytes()
        value["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "nbytes": len(data)}
    path.write_text(json.dumps(value))
    return Artefact.open(folder)


def change_weights(folder: Path, kind: str) -> None:
    """Turn the rows of a tower's matrices round, as if they were of another training; `restore` makes the hashes fit."""
    model = onnx.load(str(folder / f"{kind}.onnx"), load_external_data=False)
    path = folder / f"{kind}.onnx.data"
    data = bytearray(path.read_bytes())
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 1 and tensor.external_data:
            at = int({entry.key: entry.value for entry in tensor.external_data}["offset"])
            values = np.frombuffer(data, np.float32, int(np.prod(tensor.dims)), at).reshape(tensor.dims)
            data[at : at + values.nbytes] = values[::-1].tobytes()
    path.write_bytes(data)
