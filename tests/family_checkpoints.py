"""Makes CLIP, SigLIP2 and CRIS checkpoints with random weights and small tokenizers, and artefacts of them, once per process."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checkpoints import corpus, scratch

DIM = 24
IMAGE_SIZE = 32
CLIP_LENGTH = 77
SIGLIP2_LENGTH = 64

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]

_TINY = {"hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 1, "num_attention_heads": 2}


def clip_tokenizer(**settings: Any) -> Any:
    """Byte-level BPE with CLIP's normaliser, pre-tokenizer and special tokens, whose ids are the last two as there."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    reference = CLIPTokenizer()
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    bpe.normalizer = reference.backend_tokenizer.normalizer
    bpe.pre_tokenizer = reference.backend_tokenizer.pre_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=500, initial_alphabet=alphabet, end_of_word_suffix="</w>", special_tokens=[], show_progress=False
    )
    bpe.train_from_iterator(corpus(), trainer)
    model = json.loads(bpe.to_str())["model"]
    pieces = [*model["vocab"], *(letter + "</w>" for letter in alphabet), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: row for row, piece in enumerate(dict.fromkeys(pieces))}
    return CLIPTokenizer(vocab=vocabulary, merges=[tuple(pair) for pair in model["merges"]], **settings)


def gemma_tokenizer(cls: str = "GemmaTokenizer", **settings: Any) -> Any:
    """BPE with byte fallback and Gemma's first ids, appending the end of text; it lower-cases only as Siglip2Tokenizer."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    bpe.normalizer = normalizers.Replace(" ", "▁")
    bpe.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    first = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    # Capitals are in Gemma's vocabulary too, so that case not lowered is another id and no unknown piece.
    sentences = [*corpus(), *map(str.title, corpus()), "? ! . , ' -" * 20]
    bpe.train_from_iterator(sentences, trainers.BpeTrainer(vocab_size=700, special_tokens=first, show_progress=False))
    model = json.loads(bpe.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    given = {"add_bos_token": False, "add_eos_token": True, "padding_side": "right", **settings}
    return getattr(transformers, cls)(vocab=model["vocab"], merges=merges, **given)


def make_clip(
    folder: Path,
    *,
    seed: int = 0,
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    dim: int = DIM,
    edge: int | None = None,
) -> Path:
    """Write a CLIP checkpoint; tiny unless told. `edge` is the shortest edge before the crop, where it is another."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    tokenizer = clip_tokenizer(model_max_length=CLIP_LENGTH)
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
    text_config = {**_TINY, "vocab_size": len(tokenizer), **ends} if text is None else {**ends, **text}
    vision_config = vision or {**_TINY, "image_size": IMAGE_SIZE, "patch_size": 8}
    config = CLIPConfig(vision_config=vision_config, text_config=text_config, projection_dim=dim)
    torch.manual_seed(seed)
    model = CLIPModel(config)
    side = config.vision_config.image_size
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": edge or side}, crop_size={"height": side, "width": side}, resample=3
    )
    for part in (model, processor, tokenizer):
        part.save_pretrained(folder)
    return folder


def make_siglip2(
    folder: Path,
    *,
    seed: int = 0,
    tokenizer: str = "GemmaTokenizer",
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Write a SigLIP2 checkpoint of fixed size; tiny unless told. Settings are the tokenizer's."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    loaded = gemma_tokenizer(tokenizer, **settings)
    config = SiglipConfig(
        vision_config=vision or {**_TINY, "image_size": IMAGE_SIZE, "patch_size": 8},
        text_config=text or {**_TINY, "vocab_size": len(loaded), "max_position_embeddings": SIGLIP2_LENGTH},
    )
    side = config.vision_config.image_size
    processor = SiglipImageProcessorPil(
        size={"height": side, "width": side}, resample=2, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return _save_siglip2(folder, SiglipModel, config, processor, loaded, seed)


def make_naflex(
    folder: Path,
    *,
    seed: int = 0,
    tokenizer: str = "Siglip2Tokenizer",
    patch: int = 8,
    max_patches: int = 24,
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
) -> Path:
    """Write a SigLIP2 NaFlex checkpoint; tiny unless told."""
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    loaded = gemma_tokenizer(tokenizer)
    config = Siglip2Config(
        vision_config=vision or {**_TINY, "patch_size": patch, "num_patches": 25},
        text_config=text or {**_TINY, "vocab_size": len(loaded), "max_position_embeddings": SIGLIP2_LENGTH},
    )
    processor = Siglip2ImageProcessorPil(patch_size=patch, max_num_patches=max_patches)
    return _save_siglip2(folder, Siglip2Model, config, processor, loaded, seed)


def _save_siglip2(folder: Path, model_class: Any, config: Any, processor: Any, tokenizer: Any, seed: int) -> Path:
    import torch

    torch.manual_seed(seed)
    model = model_class(config)
    with torch.no_grad():  # transformers starts both at zero
        model.logit_scale.fill_(2.0)
        model.logit_bias.fill_(-10.0)
    for part in (model, processor, tokenizer):
        part.save_pretrained(folder)
    return folder


def make_cris(
    folder: Path,
    *,
    seed: int = 0,
    width: int = 8,
    blocks: tuple[int, int, int, int] = (1, 1, 2, 1),
    dim: int = DIM,
    vocabulary: int | None = None,
    text_width: int = 64,
    text_layers: int = 1,
    variance: tuple[float, float] = (0.02, 0.1),
) -> Path:
    """Write a CRIS checkpoint as its training saves it, and CLIP's tokenizer beside it; tiny unless told.

    `variance` is the range of what the normalisations divide by: small, so that few layers tell noise from noise.
    The network over pairs is left at one number a tensor: the towers must not look at it.
    """
    import torch

    from framedex_export.families.cris_layout import pair_keys
    from framedex_export.families.cris_network import DualEncoder, Shape

    tokenizer = clip_tokenizer(model_max_length=CLIP_LENGTH)
    torch.manual_seed(seed)
    network = DualEncoder(
        Shape(
            width=width,
            blocks=blocks,
            grid=7,
            dim=dim,
            vocabulary=vocabulary or len(tokenizer),
            context=CLIP_LENGTH,
            text_width=text_width,
            text_layers=text_layers,
        )
    )
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        elif name.endswith("running_var"):
            tensor.uniform_(*variance)
        elif name.endswith(("bn1.bias", "bn2.bias", "bn3.bias")):
            tensor.normal_(0, 0.3)
    pair = {name: torch.zeros(1) for name in pair_keys(3)}
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(3))])
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[35], gamma=0.1)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            "epoch": 50,
            "cur_iou": 0.69,
            "best_iou": 0.7,
            "prec": {"Pr@50": 0.8},
            "state_dict": {f"module.backbone.{name}": tensor for name, tensor in state.items()}
            | {f"module.{name}": tensor for name, tensor in pair.items()},
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
        },
        folder / "best_model.pth",
    )
    tokenizer.save_pretrained(folder)
    return folder


MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "clip": ("clip", make_clip),
    "siglip2": ("siglip2", make_siglip2),
    "siglip2-naflex": ("siglip2", make_naflex),
    "cris": ("cris", make_cris),
}


@functools.cache
def family_checkpoint(kind: str) -> Path:
    """A tiny checkpoint of one of `MAKERS`, shared: copy it before changing it."""
    return MAKERS[kind][1](scratch() / f"checkpoint-{kind}")


@functools.cache
def family_artefact(kind: str) -> Path:
    """The artefact of `family_checkpoint(kind)`, made by the real exporter, shared: copy it before changing it."""
    from framedex_export.export import export_encoder

    target = scratch() / f"artefact-{kind}"
    export_encoder(MAKERS[kind][0], family_checkpoint(kind), target, name=f"tiny-{kind}", report=lambda _line: None)
    return target
