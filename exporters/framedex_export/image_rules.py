"""A checkpoint's own preprocessor_config.json as image rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from framedex.embed.manifest import ImageRules, first_fault
from framedex.errors import ArtefactError
from framedex_export.checkpoint import Checkpoint

_INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}
_STEPS = {"do_resize": True, "do_rescale": True, "do_normalize": True, "do_center_crop": False, "do_pad": False}


def read_rules(checkpoint: Checkpoint, steps: Mapping[str, bool], **rules: Any) -> ImageRules:
    """The rules of a checkpoint's processor, of which the way of resizing is given.

    Args:
        checkpoint: whose processor it is.
        steps: those that the family has other than resize, rescale and normalise.
        rules: `size`, `resize` and what belongs to them.

    Raises:
        ArtefactError: the processor does something that the family does not, or numbers do not hold.
    """
    processor = checkpoint.processor
    for name, expected in {**_STEPS, **steps}.items():
        got = bool(getattr(processor, name, None))
        if got != expected:
            raise ArtefactError(f"{checkpoint.folder}: the processor's {name} is {got}, expected {expected}")
    if int(processor.resample) not in _INTERPOLATIONS:
        raise ArtefactError(
            f"{checkpoint.folder}: the processor's resample is {int(processor.resample)}, expected 2 (bilinear) or 3 (bicubic)"
        )
    value = {
        "interpolation": _INTERPOLATIONS[int(processor.resample)],
        "antialias": True,
        "channel_order": "RGB",
        "rescale": processor.rescale_factor,
        "mean": processor.image_mean,
        "std": processor.image_std,
        **rules,
    }
    try:
        return ImageRules.model_validate(value)
    except ValidationError as error:
        raise ArtefactError(f"{checkpoint.folder}: the processor's rules do not hold: {first_fault(error)}") from error
