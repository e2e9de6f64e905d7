"""What the tests of micro-smolvlm's training share: a tokenizer, an untrained model, a few stories."""

import pytest
import torch

from framedex.microworld.checkpoint import BUNDLED, load_checkpoint
from framedex.microworld.smolvlm.model import build_model, image_processor
from framedex.microworld.smolvlm.stories import draw_stories
from framedex.microworld.smolvlm.tokenizer import train_tokenizer


@pytest.fixture(scope="session")
def smol_tokenizer():
    return train_tokenizer()


@pytest.fixture(scope="session")
def untrained(smol_tokenizer):
    siglip, _, _ = load_checkpoint(BUNDLED)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_model(smol_tokenizer, siglip).eval()


@pytest.fixture(scope="session")
def stories(untrained):
    return draw_stories(0, 6, tower=untrained.model.vision_model, processor=image_processor())
