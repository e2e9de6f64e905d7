"""SmolVLM2: 64 or 81 visual tokens a frame, each frame after its time.

Source: transformers 5.23, `models/smolvlm`. Text: `replace_video_token` and `DEFAULT_CHAT_TEMPLATE` of processing_smolvlm.py; a
message without video uses the same turn without the media part. Pixels: image_processing_pil_smolvlm.py with
`do_image_splitting=False`, which is what video_processing_smolvlm.py does with Pillow's filters; with torchvision that class
takes bicubic where Lanczos is asked for, so its pixels differ a little from these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from num2words import num2words
from PIL import Image

from framedex.contracts import Pixels
from framedex.errors import ArtefactError
from framedex.keys import Json
from framedex.mllm.base import PreparedFrames, Scoring
from framedex.mllm.checkpoint import Checkpoint, read_json
from framedex.mllm.family import Shown, Template
from framedex.mllm.load import Loaded
from framedex.mllm.pictures import check_filter_and_colours, normalised, processor_rules
from framedex.mllm.prompt import question_text

TURN_START = "<|im_start|>"
TURN_END = "<end_of_utterance>"
IMAGE = "<image>"
FRAME_EDGE = "<fake_token_around_image>"
WHOLE_FRAME = "<global-img>"
ANSWER_CUE = "\nAssistant:"

# The processor's own bound; above it its rounding is another.
_LONGEST_EDGE_MAX = 4096

# What the processor's class takes where the files say nothing.
_DEFAULT_LONGEST_EDGE = 4 * 364
_DEFAULT_SIDE = 364
_HALF = (0.5, 0.5, 0.5)


def frame_text(seq_len: int) -> str:
    """The placeholders of one frame that the model sees whole, as `seq_len` visual tokens."""
    return f"{FRAME_EDGE}{WHOLE_FRAME}{IMAGE * seq_len}{FRAME_EDGE}"


def video_text(times_s: Sequence[float], duration_s: float, *, seq_len: int) -> str:
    """The media part: how many frames of how long a video, then each frame after its time.

    Args:
        times_s: n >= 1 times in seconds from the video's first frame, cut to whole seconds as the processor does.
        duration_s: of the video, likewise.
        seq_len: visual tokens of a frame.
    """
    duration = timedelta(seconds=int(duration_s))
    intro = f"You are provided the following series of {num2words(len(times_s))} frames from a {duration} [H:MM:SS] video.\n"
    frame = frame_text(seq_len)
    frames = "".join(f"\nFrame from {int(time // 60):02d}:{int(time % 60):02d}:{frame}" for time in times_s)
    return f"{intro}{frames}\n\n"


def turn_text(media: str, said: str) -> str:
    """The whole prompt, up to where the answer begins."""
    return f"{TURN_START}User: {media}{said}{TURN_END}{ANSWER_CUE}"


def answer_text(option: str) -> str:
    """An option as the model would write it after the prompt."""
    return f" {option}"


TEMPLATE = Template(
    version="smolvlm-1",
    placeholder=IMAGE,
    turn_end=TURN_END,
    special=(TURN_START, TURN_END, IMAGE, FRAME_EDGE, WHOLE_FRAME),
    turn=turn_text,
    answer=answer_text,
    cue=ANSWER_CUE,
)


def prompt_text(
    question: str,
    options: Sequence[str],
    *,
    scoring: Scoring,
    seq_len: int,
    times_s: Sequence[float] | None = None,
    duration_s: float = 0.0,
) -> str:
    """The whole prompt of a question.

    Args:
        question: the text.
        options: in the order in which they are listed, 26 at most.
        scoring: what the instruction asks for, the option's text or its letter.
        seq_len: visual tokens of a frame.
        times_s: n >= 1 frame times in seconds from the video's first frame; None where the model sees no video.
        duration_s: of the video; not written without video.

    Raises:
        ValueError: more options than letters.
    """
    media = "" if times_s is None else video_text(times_s, duration_s, seq_len=seq_len)
    return turn_text(media, question_text(question, options, scoring))


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRules:
    """How a checkpoint wants its frames.

    Attributes:
        longest_edge: pixels of the longer edge after the first resize, which keeps the aspect ratio.
        side: pixels of both edges after the second, which does not.
        resample: Pillow's filter.
        rescale_factor: that makes 0..255 to 0..1.
        mean: subtracted from R, G, B after that.
        std: divided by, likewise.
    """

    longest_edge: int = _DEFAULT_LONGEST_EDGE
    side: int = _DEFAULT_SIDE
    resample: int = int(Image.Resampling.LANCZOS)
    rescale_factor: float = 1 / 255
    mean: tuple[float, ...] = _HALF
    std: tuple[float, ...] = _HALF

    def __post_init__(self) -> None:
        if not 1 <= self.longest_edge <= _LONGEST_EDGE_MAX or not 1 <= self.side <= _LONGEST_EDGE_MAX:
            raise ValueError(
                f"expected edges of 1 to {_LONGEST_EDGE_MAX} pixels, got size {self.longest_edge}, max_image_size {self.side}"
            )
        check_filter_and_colours(self.resample, self.mean, self.std)

    def as_json(self) -> dict[str, Json]:
        """Every rule, for a key."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_frame_rules(folder: Path) -> FrameRules:
    """The rules of a checkpoint's processor files.

    Raises:
        ArtefactError: no processor file, or one that asks for something else than resize, rescale and normalise.
        StorageError: a file cannot be read.
    """
    path, processor = processor_rules(folder)
    sampling = processor.get("video_sampling") or {}
    try:
        # Where a file has both, transformers lets `size` win.
        size = processor.get("size") or sampling.get("video_size") or {"longest_edge": _DEFAULT_LONGEST_EDGE}
        return FrameRules(
            longest_edge=int(size["longest_edge"]),
            side=int(processor.get("max_image_size", {"longest_edge": _DEFAULT_SIDE})["longest_edge"]),
            resample=int(processor.get("resample", Image.Resampling.LANCZOS)),
            rescale_factor=float(processor.get("rescale_factor", 1 / 255)),
            mean=tuple(map(float, processor.get("image_mean", _HALF))),
            std=tuple(map(float, processor.get("image_std", _HALF))),
        )
    except KeyError as error:
        raise ArtefactError(f"{path}: expected size and max_image_size by longest_edge, {error} is missing") from error
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ArtefactError(f"{path}: the frames' rules do not hold: {error}") from error


def resized(frames: Pixels, rules: FrameRules) -> Pixels:
    """Resize twice: uint8 (n, H, W, 3) to uint8 (n, side, side, 3), equal to the processor's to the last bit."""
    pictures = np.empty((len(frames), rules.side, rules.side, 3), np.uint8)
    first = _first_size(frames.shape[1], frames.shape[2], rules.longest_edge)
    for row, frame in enumerate(frames):
        # Two uint8 steps: one resize straight to the side gives other pixels.
        picture = Image.fromarray(frame).resize(first, rules.resample)
        pictures[row] = np.asarray(picture.resize((rules.side, rules.side), rules.resample))
    return pictures


def _first_size(height: int, width: int, longest_edge: int) -> tuple[int, int]:
    """Width and height of the first resize: the shorter edge is cut to an integer, then made even."""
    aspect = width / height
    if width >= height:
        short = int(longest_edge / aspect)
        return longest_edge, max(short + short % 2, 1)
    short = int(longest_edge * aspect)
    return max(short + short % 2, 1), longest_edge


class SmolVlm:
    """A `SmolVLMForConditionalGeneration` checkpoint.

    Raises:
        ArtefactError: the checkpoint's files do not fit each other.
        StorageError: a file cannot be read.
    """

    model_type: ClassVar[str] = "smolvlm"
    architecture: ClassVar[str] = "SmolVLMForConditionalGeneration"
    template: ClassVar[Template] = TEMPLATE
    rules_version: ClassVar[int] = 1

    def __init__(self, checkpoint: Checkpoint, loaded: Loaded) -> None:
        self._model = loaded.model
        self._frames = read_frame_rules(checkpoint.folder)
        self._seq_len = _seq_len(checkpoint, loaded.model.config, self._frames)

    @property
    def rules(self) -> Mapping[str, Json]:
        """The frames' rules."""
        return self._frames.as_json()

    @property
    def placeholder_id(self) -> int:
        """The image token."""
        return int(self._model.config.image_token_id)

    @property
    def language_model(self) -> torch.nn.Module:
        """A Llama."""
        return cast(torch.nn.Module, self._model.model.text_model)

    def resized(self, frames: Pixels) -> Pixels:
        """Resize twice, to a square."""
        return resized(frames, self._frames)

    def check(self, frames: PreparedFrames) -> None:
        """Raise ValueError where pictures are not that square."""
        side = self._frames.side
        if not len(frames) or frames.pixels[0].shape != (side, side, 3):
            shape = (len(frames), *(frames.pixels[0].shape if len(frames) else ()))
            raise ValueError(
                f"[answer] expected pixels (n >= 1, {side}, {side}, 3), got {shape}; use this runner's prepare"
            )

    def shown(self, frames: PreparedFrames) -> Shown:
        """The media part."""
        return Shown(text=video_text(frames.times_s.tolist(), frames.duration_s, seq_len=self._seq_len))

    def tower(self, pictures: Pixels) -> torch.Tensor:
        """Tower and connector.

        They are called themselves: `get_image_features` would take a frame whose pixels are all 0 for padding and leave it out.
        """
        rules = self._frames
        pixels = normalised(pictures, rescale_factor=rules.rescale_factor, mean=rules.mean, std=rules.std)
        taken = torch.from_numpy(pixels).to(device=self._model.device, dtype=self._model.dtype)
        seen = self._model.model.vision_model(pixel_values=taken).last_hidden_state
        return cast(torch.Tensor, self._model.model.connector(seen))

    def visual(self, tokens: Sequence[torch.Tensor], shown: Shown) -> torch.Tensor:  # noqa: ARG002 - the contract's
        """All tokens of all frames."""
        return torch.cat(list(tokens))


def _seq_len(checkpoint: Checkpoint, config: Any, rules: FrameRules) -> int:
    """Visual tokens of a frame: its whole patches, `scale_factor` squared of them in one.

    Raises:
        ArtefactError: the frames' patches do not join so, or processor_config.json says another number.
    """
    patch, scale = int(config.vision_config.patch_size), int(config.scale_factor)
    patches = rules.side // patch
    if not patches or scale < 1 or patches % scale:
        raise ArtefactError(
            f"{checkpoint.folder}: frames of {rules.side} pixels have {patches} patches of {patch} along an edge, "
            f"which the model cannot join {scale} by {scale}; the processor and config.json are not of one checkpoint"
        )
    seq_len = (patches // scale) ** 2
    path = checkpoint.folder / "processor_config.json"
    said = read_json(path).get("image_seq_len", seq_len) if path.is_file() else seq_len
    if said != seq_len:
        raise ArtefactError(f"{path}: expected image_seq_len {seq_len} for frames of {rules.side} pixels, got {said}")
    return seq_len
