"""Saving and loading micro-siglip as a Hugging Face checkpoint folder."""

from pathlib import Path

import torch
from transformers import SiglipImageProcessorPil, SiglipModel, SiglipTokenizer

from framedex.errors import ArtefactError
from framedex.microworld.frames import TOWER_SIZE

BUNDLED = Path(__file__).parent / "models" / "micro-siglip" / "checkpoint"


def save_checkpoint(model: SiglipModel, tokenizer: SiglipTokenizer, folder: Path) -> None:
    """Write fp16 weights, tokenizer and image processor into `folder`; the model itself becomes fp16."""
    processor = SiglipImageProcessorPil(
        size={"height": TOWER_SIZE, "width": TOWER_SIZE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor.save_pretrained(folder)


def load_checkpoint(folder: Path) -> tuple[SiglipModel, SiglipTokenizer, SiglipImageProcessorPil]:
    """Load what `save_checkpoint` wrote; the model comes as float32, in evaluation mode.

    Raises:
        ArtefactError: the folder holds no such checkpoint.
    """
    if not (folder / "config.json").is_file():
        raise ArtefactError(
            f"checkpoint {folder}: got no config.json, expected a checkpoint folder; "
            "make one with: framedex microworld train -o FOLDER"
        )
    model = SiglipModel.from_pretrained(folder, dtype=torch.float32).eval()
    return model, SiglipTokenizer.from_pretrained(folder), SiglipImageProcessorPil.from_pretrained(folder)
