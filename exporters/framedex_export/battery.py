"""The texts and pictures on which an artefact is compared with its checkpoint: committed, so that a figure can be repeated."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence

import numpy as np

from framedex.contracts import FrameBatch, Pixels
from framedex.embed.preprocess.rules import PictureRules
from framedex.embed.tower import to_tower

_SENTENCES = (
    "a dog jumps over the fence",
    "A Dog Jumps Over The Fence",
    "WHAT COLOUR IS THE CAR ON THE LEFT?",
    "What does the man do after he opens the door?",
    "a photo of a cat.",
    "A video frame showing: a red striped thing",
    "two  dogs   run",
    "  leading and trailing blanks  ",
    "tab\tnew line\nand\u00a0no-break\u3000blanks",
    "it's the dog's ball, isn't it?",
    "well-known state-of-the-art hyphens",
    "snake_case #hashtag @user 50% off $3.14 & more",
    "(brackets) [square] {curly} <angle> \\back\\slash/",
    "'single' \"double\" `back` quotes",
    "“typographic” ‘quotes’ – dashes — and an ellipsis…",
    "0 1 2 34 567 8901 3.14159 1,000,000 007",
    "room 101b, 2nd floor, 7:45 p.m.",
    "café naïve Übergröße señor façade",
    "cafe\u0301 with a combining accent",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ και σοφός",
    "ИЗБУШКА на курьих ножках",
    "İstanbul ISPARTA ılık",
    "ﬁne ﬂight ½ ² ① ™ Ⅷ",
    "日本語の文章",
    "한국어 문장",
    "中文句子。没有空格",
    "عربي نص",
    "emoji 🐕 and 🏳️\u200d🌈 joined",
    "zero\u200bwidth and soft\u00adhyphen",
    "control\x01characters\x1cbetween\x85words",
    "raw▁underline ▁of▁ SentencePiece",
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
    "qxzjv wvkq zzzz xxyyzz",
    "a",
    "?",
    "",
    "   ",
    "?!... --- ,;:",
    " ? ? ",
)
_LONG = "the quick brown fox jumps over the lazy dog and runs away from the very loud street "


def texts() -> list[str]:
    """Mixed case, every ASCII punctuation mark in every position, Unicode, digits, blanks, nothing at all, and too much."""
    marks = [f"{mark}one{mark} two{mark}three {mark} four{mark}" for mark in string.punctuation]
    long = [_LONG * 10, _LONG * 10 + "?", "word " * 200, "unbroken" * 60]
    # Every length near a tower's limit, so that a cut one position too early or late is seen.
    lengths = [" ".join(["dog"] * count) for count in range(1, 70)]
    return [*_SENTENCES, *marks, *long, *lengths]


def pictures() -> Iterator[Pixels]:
    """Seeded uint8 (h, w, 3) pictures: noise, gradients, checks and flats from 1 pixel to 720 lines, wide, tall and square."""
    generator = np.random.Generator(np.random.Philox(20))
    sizes = [(224, 224), (48, 48), (1, 1), (2, 3), (3, 640), (500, 2), (17, 31), (360, 640), (720, 1280), (333, 127)]
    for height, width in sizes:
        yield generator.integers(0, 256, (height, width, 3), np.uint8)
        yield _scene(generator, height, width)
    for level in (0, 128, 255):
        yield np.full((120, 160, 3), level, np.uint8)


def tower_pixels(chosen: Sequence[Pixels], rules: PictureRules) -> Pixels:
    """Pictures of any sizes as a network takes them: uint8 (n, H, W, 3)."""
    first = np.zeros(1, np.int64)
    # Sizes differ, so each picture is a batch of its own.
    return np.concatenate(
        [to_tower(FrameBatch(pts_us=first, frames=picture[np.newaxis]), rules).pixels for picture in chosen]
    )


def _scene(generator: np.random.Generator, height: int, width: int) -> Pixels:
    """A two-colour gradient with a checked square in it: edges and smooth parts, as in a picture."""
    y = np.linspace(0.0, 1.0, height)[:, None, None]
    x = np.linspace(0.0, 1.0, width)[None, :, None]
    first, second, third = generator.uniform(0, 255, (3, 3))
    picture = first * (1 - x) * (1 - y) + second * x + third * y * (1 - x)
    top, left = height // 4, width // 3
    square = picture[top : top + height // 2 + 1, left : left + width // 3 + 1]
    rows, columns = np.indices(square.shape[:2]) // 5
    square[(rows + columns) % 2 == 0] = generator.uniform(0, 255, 3)
    rounded: Pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return rounded
