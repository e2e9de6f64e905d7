"""Makes CRIS, CLIPSeg and BLIP checkpoints with random weights and small tokenizers, and pair scorers' artefacts of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checkpoints import corpus, scratch
from family_checkpoints import CLIP_LENGTH, clip_tokenizer, make_cris

_TINY = {"hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 2}


def make_cris_mask(
    folder: Path,
    *,
    seed: int = 0,
    fused: tuple[int, int, int] = (32, 64, 48),
    hidden: int = 48,
    layers: int = 3,
    words: int = 17,
    **backbone: Any,
) -> Path:
    """Write a CRIS checkpoint whose network over pairs has weights too; tiny unless told. Sizes of the rest are `make_cris`'s."""
    import torch

    from framedex_export.families.cris_pair_network import PairNetwork, PairShape

    make_cris(folder, seed=seed, **backbone)
    path = folder / "best_model.pth"
    checkpoint = torch.load(path, weights_only=True)
    state = checkpoint["state_dict"]
    taken = [len(state[f"module.backbone.visual.layer{stage}.0.bn3.bias"]) for stage in (2, 3)]
    dim = len(state["module.backbone.visual.attnpool.c_proj.bias"])
    torch.manual_seed(seed + 1)
    network = PairNetwork(
        PairShape(taken=(taken[0], taken[1], dim), fused=fused, hidden=hidden, layers=layers),
        dim=dim,
        side=26,
        words=words,
    )
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.2)
        elif name.endswith("running_var"):
            tensor.uniform_(0.05, 0.2)
        elif name.endswith(("in_proj_bias", "norm.bias", "norm1.bias")):
            tensor.normal_(0, 0.3)
        elif name.startswith("proj.txt."):
            tensor.mul_(0.2)  # else the highest of many cells is 1 for every pair
        state[f"module.{name}"] = tensor
    torch.save(checkpoint, path)
    return folder


def make_clipseg(
    folder: Path,
    *,
    seed: int = 0,
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    side: int = 64,
    scale: float = 0.2,
    **settings: Any,
) -> Path:
    """Write a CLIPSeg checkpoint; tiny unless told.

    As with the published ones, pictures are larger than the grid of positions, config.json names 2 as the end of text, which the
    model then takes to be the highest id, and the map is refined in three steps. `scale` multiplies the weights of these, so that
    no map is 1 for every picture.
    """
    import torch
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    tokenizer = clip_tokenizer(model_max_length=CLIP_LENGTH)
    ends = {"eos_token_id": 2, "bos_token_id": tokenizer.bos_token_id}
    tiny = {"extract_layers": [0, 1, 2], "reduce_dim": 16, "decoder_intermediate_size": 24, "projection_dim": 20}
    refined = {"decoder_num_attention_heads": 2, "use_complex_transposed_convolution": True}
    config = CLIPSegConfig(
        vision_config=vision or {**_TINY, "num_hidden_layers": 4, "image_size": 32, "patch_size": 16},
        text_config={**ends, **(text or {**_TINY, "num_hidden_layers": 1, "vocab_size": len(tokenizer)})},
        **(settings or {**tiny, **refined}),
    )
    torch.manual_seed(seed)
    model = CLIPSegForImageSegmentation(config)
    with torch.no_grad():
        for parameter in model.decoder.transposed_convolution.parameters():
            parameter.mul_(scale)
    processor = ViTImageProcessorPil(
        size={"height": side, "width": side},
        resample=2,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )
    for part in (model, processor, tokenizer):
        part.save_pretrained(folder)
    return folder


def bert_tokenizer(**settings: Any) -> Any:
    """WordPiece with BERT's special tokens, whole words of the corpus, and single letters."""
    from transformers import BertTokenizer

    words = sorted({word for sentence in corpus() for word in sentence.split()})
    letters = sorted({letter for word in words for letter in word} | set("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *words]
    return BertTokenizer(vocab={piece: row for row, piece in enumerate(dict.fromkeys(pieces))}, **settings)


def make_blip(
    folder: Path,
    *,
    seed: int = 0,
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    scale: float = 6.0,
) -> Path:
    """Write a BLIP checkpoint with a matching head; tiny unless told.

    `scale` multiplies every matrix, so that few layers tell picture from picture.
    """
    import torch
    from transformers import BlipConfig, BlipForImageTextRetrieval
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    tokenizer = bert_tokenizer(model_max_length=64)
    vision = {
        "initializer_range": 0.02,
        **(vision or {**_TINY, "num_hidden_layers": 2, "image_size": 48, "patch_size": 8}),
    }
    text = text or {
        **_TINY,
        "num_hidden_layers": 2,
        "vocab_size": len(tokenizer) + 2,
        "max_position_embeddings": 64,
        "bos_token_id": 2,
    }
    width = vision.get("hidden_size", 768)
    config = BlipConfig(
        vision_config=vision, text_config={**text, "encoder_hidden_size": width}, image_text_hidden_size=16
    )
    torch.manual_seed(seed)
    model = BlipForImageTextRetrieval(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(scale)
    side = config.vision_config.image_size
    processor = BlipImageProcessorPil(size={"height": side, "width": side})
    for part in (model, processor, tokenizer):
        part.save_pretrained(folder)
    return folder


PAIR_MAKERS: dict[str, Callable[[Path], Path]] = {
    "cris-mask": make_cris_mask,
    "clipseg": make_clipseg,
    "blip-itm": make_blip,
}


@functools.cache
def pair_checkpoint(family: str) -> Path:
    """A tiny checkpoint of one of `PAIR_MAKERS`, shared: copy it before changing it."""
    return PAIR_MAKERS[family](scratch() / f"checkpoint-{family}")


@functools.cache
def pair_artefact(family: str) -> Path:
    """The artefact of `pair_checkpoint(family)`, made by the real exporter, shared: copy it before changing it."""
    from framedex_export.pair_export import export_pair_scorer

    target = scratch() / f"pair-{family}"
    export_pair_scorer(family, pair_checkpoint(family), target, name=f"tiny-{family}", report=lambda _line: None)
    return target
