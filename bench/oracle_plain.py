"""What the naive loop of bench/oracle.py does otherwise for one family of models than for another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from transformers import SiglipImageProcessorPil, SmolVLMImageProcessorPil

from framedex.contracts import Pixels
from framedex.mllm import llava_onevision, smolvlm
from framedex.mllm.prompt import question_text


class PlainFamily(Protocol):
    """A family as transformers' own classes want it; made as `(checkpoint, config)`."""

    #: The class in transformers.
    architecture: ClassVar[str]
    #: What its forward calls given features, in `mm_encoder_outputs`.
    modality: ClassVar[str]

    def __init__(self, checkpoint: Path, config: Any) -> None: ...

    @property
    def placeholder_id(self) -> int:
        """The token that a visual token takes the place of."""
        ...

    def pixels(self, images: Sequence[Pixels]) -> dict[str, torch.Tensor]:
        """The forward's argument for n images, uint8 (H, W, 3), float32."""
        ...

    def features(self, model: Any, pixels: dict[str, torch.Tensor]) -> Any:
        """Tower and projector on that argument."""
        ...

    def text(self, question: str, options: Sequence[str], *, times_s: Sequence[float], duration_s: float) -> str:
        """The whole prompt."""
        ...


class PlainSmolVlm:
    """SmolVLM."""

    architecture: ClassVar[str] = "SmolVLMForConditionalGeneration"
    modality: ClassVar[str] = "image"

    def __init__(self, checkpoint: Path, config: Any) -> None:
        self._processor: Any = SmolVLMImageProcessorPil.from_pretrained(checkpoint)
        side = self._processor.max_image_size["longest_edge"]
        self._seq_len = (side // config.vision_config.patch_size // config.scale_factor) ** 2
        self._placeholder_id = int(config.image_token_id)

    @property
    def placeholder_id(self) -> int:
        """The image token."""
        return self._placeholder_id

    def pixels(self, images: Sequence[Pixels]) -> dict[str, torch.Tensor]:
        """(1, n, 3, side, side) as the checkpoint's processor makes them."""
        processed = self._processor(list(images), do_image_splitting=False, return_tensors="pt")
        return {"pixel_values": processed["pixel_values"]}

    def features(self, model: Any, pixels: dict[str, torch.Tensor]) -> Any:
        """Of images."""
        return model.get_image_features(**pixels, return_dict=True)

    def text(self, question: str, options: Sequence[str], *, times_s: Sequence[float], duration_s: float) -> str:
        """Each frame after its time."""
        return smolvlm.prompt_text(
            question, options, scoring="letter", seq_len=self._seq_len, times_s=times_s, duration_s=duration_s
        )


class PlainLlavaOnevision:
    """LLaVA-OneVision, its frames as one video.

    Its own video processor needs torchvision; SigLIP's image processor resizes and normalises as that does, with Pillow.
    """

    architecture: ClassVar[str] = "LlavaOnevisionForConditionalGeneration"
    modality: ClassVar[str] = "video"

    def __init__(self, checkpoint: Path, config: Any) -> None:
        rules = llava_onevision.read_frame_rules(checkpoint)
        self._processor: Any = SiglipImageProcessorPil(
            size={"height": rules.height, "width": rules.width},
            resample=rules.resample,
            image_mean=list(rules.mean),
            image_std=list(rules.std),
            rescale_factor=rules.rescale_factor,
        )
        self._tokens = math.ceil(config.vision_config.image_size // config.vision_config.patch_size / 2) ** 2
        self._placeholder_id = int(config.video_token_id)

    @property
    def placeholder_id(self) -> int:
        """The video token."""
        return self._placeholder_id

    def pixels(self, images: Sequence[Pixels]) -> dict[str, torch.Tensor]:
        """(1, n, 3, side, side)."""
        processed = self._processor(list(images), return_tensors="pt")
        return {"pixel_values_videos": processed["pixel_values"][None]}

    def features(self, model: Any, pixels: dict[str, torch.Tensor]) -> Any:
        """Of a video, its newline among them."""
        return model.get_video_features(**pixels, return_dict=True)

    def text(
        self,
        question: str,
        options: Sequence[str],
        *,
        times_s: Sequence[float],
        duration_s: float,  # noqa: ARG002 - the contract's
    ) -> str:
        """Frames without their times, and the newline."""
        media = llava_onevision.VIDEO * (self._tokens * len(times_s) + 1)
        return llava_onevision.turn_text(media, question_text(question, options, "letter"))


#: By config.json's model_type.
FAMILIES: dict[str, type[PlainFamily]] = {"smolvlm": PlainSmolVlm, "llava_onevision": PlainLlavaOnevision}
