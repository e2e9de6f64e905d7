"""The family contract: what one kind of MLLM does differently from the others. A family is one file that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from framedex.contracts import Pixels
from framedex.keys import Json
from framedex.mllm.base import PreparedFrames
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.load import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How a family writes to its model.

    Attributes:
        version: name and number; a new number whenever the text of a prompt changes. Part of the MLLM key.
        placeholder: the token that stands for one visual token.
        turn_end: the token that ends a turn.
        special: every token that the text needs to be one token, those two among them.
        turn: (what shows the frames or "", what is said) → the whole prompt, up to where the answer begins.
        answer: an option → its text as the model would write it after the prompt.
        cue: the end of every prompt, after which an option is cut into tokens.
    """

    version: str
    placeholder: str
    turn_end: str
    special: tuple[str, ...]
    turn: Callable[[str, str], str]
    answer: Callable[[str], str]
    cue: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """A set of frames as it stands in a prompt.

    Attributes:
        text: with a placeholder for each visual token.
        kept: of each frame's tokens those that stand there, bool (tokens,); None for all.
    """

    text: str
    kept: tuple[NDArray[np.bool_], ...] | None = None


class Family(Protocol):
    """A loaded model and the rules of its checkpoint; made as `(checkpoint, loaded)`."""

    #: config.json's `model_type`.
    model_type: ClassVar[str]
    #: The class in transformers.
    architecture: ClassVar[str]
    template: ClassVar[Template]
    #: A new number whenever frames are resized, normalised or chosen by other rules of ours. Part of the MLLM key.
    rules_version: ClassVar[int]

    def __init__(self, checkpoint: Checkpoint, loaded: Loaded) -> None: ...

    @property
    def rules(self) -> Mapping[str, Json]:
        """Whatever decides what the tower sees of a frame, for the MLLM key."""
        ...

    @property
    def placeholder_id(self) -> int:
        """What config.json says of the placeholder."""
        ...

    @property
    def language_model(self) -> torch.nn.Module:
        """Reads embeddings; called as transformers' text models are, with `inputs_embeds` and a mask of four dimensions."""
        ...

    def resized(self, frames: Pixels) -> Pixels:
        """Resize frames as the checkpoint's own processor does.

        Args:
            frames: uint8 (n, H, W, 3), RGB.

        Returns:
            uint8 (n, h, w, 3).
        """
        ...

    def check(self, frames: PreparedFrames) -> None:
        """Raise ValueError where pictures are not of a size that `resized` gives."""
        ...

    def shown(self, frames: PreparedFrames) -> Shown:
        """Write n >= 1 frames, which passed `check`, into a prompt."""
        ...

    def tower(self, pictures: Pixels) -> torch.Tensor:
        """Encode n >= 1 frames, each as if it were alone.

        Args:
            pictures: uint8 (n, h, w, 3), from `resized`.

        Returns:
            (n, tokens, hidden), on the model's device.
        """
        ...

    def visual(self, tokens: Sequence[torch.Tensor], shown: Shown) -> torch.Tensor:
        """What stands at the placeholders.

        Args:
            tokens: (tokens, hidden) of each frame, in order, on the model's device.
            shown: from `shown`.

        Returns:
            (placeholders, hidden).
        """
        ...
