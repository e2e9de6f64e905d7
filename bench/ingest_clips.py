"""The inputs of bench/ingest.py: three sets of clips with the encoder that each is indexed with, and one clip of any length."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from decode_clips import FPS, MAIN, forms, make_clips

_PATCH, _PICTURE = 16, 224
_HEAD = 64
#: The repeated clip's view moves over a texture of so many pixels, by so many pixels a frame down and across.
_TEXTURE = 1024
_STEP = np.array([2, 3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Clips:
    """So many clips of one length.

    Attributes:
        seconds: of each.
        number: how many.
    """

    seconds: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes of everything.

    Attributes:
        clips: what each set holds.
        sizes: width and height of the clips of each set; the first set is indexed with micro-siglip.
        tower: width and layers of the image tower that the other sets are indexed with.
        memory_size: width and height of the clips that memory is measured on.
        memory_s: seconds of the short one and of the long one.
    """

    clips: tuple[Clips, ...]
    sizes: dict[str, tuple[int, int]]
    tower: tuple[int, int]
    memory_size: tuple[int, int]
    memory_s: tuple[int, int]


FULL = Plan(
    clips=(Clips(seconds=20, number=12), Clips(seconds=3, number=8)),
    sizes={"decode_bound": (1280, 720), "embed_bound": (640, 360), "balanced": (960, 540)},
    tower=(384, 6),
    memory_size=(320, 180),
    memory_s=(180, 10_800),
)
QUICK = Plan(
    clips=(Clips(seconds=4, number=6), Clips(seconds=1, number=3)),
    sizes={"decode_bound": (480, 270), "embed_bound": (240, 134), "balanced": (480, 270)},
    tower=(256, 3),
    memory_size=(160, 90),
    memory_s=(180, 1_200),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Videos, and what they are indexed with.

    Attributes:
        name: "decode_bound".
        videos: each of bytes of its own.
        encoder: a bundled name, or an artefact's folder.
        checkpoint: the torch checkpoint that the artefact was made from.
    """

    name: str
    videos: tuple[Path, ...]
    encoder: str
    checkpoint: Path


def make_workloads(folder: Path, plan: Plan) -> list[Workload]:
    """Make clips and encoders in `folder`."""
    from transformers.utils import logging

    from framedex.microworld.checkpoint import BUNDLED

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    form = next(form for form in forms(quick=False) if form.name == MAIN)
    kinds = {
        (size, clips): replace(form, name=f"h264-{size[0]}", width=size[0], height=size[1], seconds=clips.seconds)
        for size in plan.sizes.values()
        for clips in plan.clips
    }
    named = {kind: replace(form, name=f"{form.name}-{form.seconds}s") for kind, form in kinds.items()}
    drawn = make_clips(folder / "drawn", list(named.values()))
    checkpoint = make_checkpoint(folder / "checkpoint", *plan.tower)
    artefact = make_artefact(checkpoint, folder / "made-up-siglip")
    workloads = []
    for number, (name, size) in enumerate(plan.sizes.items()):
        videos = [
            copy for clips in plan.clips for copy in copies(drawn[named[size, clips].name], folder / name, clips.number)
        ]
        encoder, weights = ("micro-siglip", BUNDLED) if number == 0 else (str(artefact), checkpoint)
        workloads.append(Workload(name=name, videos=tuple(videos), encoder=encoder, checkpoint=weights))
    return workloads


def copies(clip: Path, folder: Path, number: int) -> list[Path]:
    """Copy an MP4 file so many times; the copies differ in an empty box at their end, so that each is a video of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    data = clip.read_bytes()
    paths = [folder / f"{clip.stem}-{copy:02}.mp4" for copy in range(number)]
    for copy, path in enumerate(paths):
        path.write_bytes(data + struct.pack(">I4sQ", 16, b"free", copy))
    return paths


def make_checkpoint(folder: Path, width: int, layers: int) -> Path:
    """Write a SigLIP checkpoint with random weights: the same for the same arguments; its text tower is tiny."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    from framedex.microworld.checkpoint import BUNDLED, load_checkpoint

    _, tokenizer, _ = load_checkpoint(BUNDLED)
    config = SiglipConfig(
        vision_config={
            "hidden_size": width,
            "intermediate_size": 4 * width,
            "num_hidden_layers": layers,
            "num_attention_heads": width // _HEAD,
            "image_size": _PICTURE,
            "patch_size": _PATCH,
        },
        text_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": tokenizer.model_max_length,
            "projection_size": width,
            "bos_token_id": None,
            "eos_token_id": 1,
        },
    )
    torch.manual_seed(0)
    model = SiglipModel(config)
    with torch.no_grad():  # transformers starts both at zero
        model.logit_scale.fill_(2.0)
        model.logit_bias.fill_(-10.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = {"height": _PICTURE, "width": _PICTURE}
    SiglipImageProcessorPil(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3).save_pretrained(folder)
    return folder


def make_artefact(checkpoint: Path, folder: Path) -> Path:
    """Export a checkpoint as `framedex-export siglip` does."""
    from framedex_export.export import export_encoder

    export_encoder("siglip", checkpoint, folder, report=lambda _step: None)
    return folder


def write_repeated(paths: dict[int, Path], *, width: int, height: int) -> dict[int, int]:
    """Write H.264 clips of any length quickly: as many seconds as each path's key says, the same pictures again and again.

    Only a beginning is encoded; its packets are written over and over with later timestamps, each time from a key frame that
    nothing before is needed for. The beginning has one frame more than the longest clip has seconds, a number that has no
    factor in common with the frames per second: so frames taken once per second are of different pictures.

    Returns:
        For each key how many frames a grid of one per second takes.
    """
    n_frames = max(paths) + 1
    n_taken = {}
    assert np.gcd(n_frames, FPS) == 1
    beginning = next(iter(paths.values())).with_suffix(".beginning.mp4")
    _encode_pan(beginning, width=width, height=height, n_frames=n_frames)
    with av.open(str(beginning)) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.size]
        assert packets[0].is_keyframe
        assert stream.time_base is not None
        tick = int(1 / (FPS * stream.time_base))
        stamps = [(packet.pts, packet.dts) for packet in packets]
        for seconds, path in paths.items():
            with av.open(str(path), "w") as target:
                written, last = target.add_stream_from_template(stream), 0
                for number in range(seconds * FPS):
                    shift = tick * n_frames * (number // n_frames)
                    packet, (pts, dts) = packets[number % n_frames], stamps[number % n_frames]
                    assert pts is not None
                    assert dts is not None
                    packet.stream, packet.time_base = written, stream.time_base
                    packet.pts, packet.dts = pts + shift, dts + shift
                    last = max(last, pts + shift)
                    target.mux(packet)
            n_taken[seconds] = last // (FPS * tick) + 1  # the last picture may be a few after those that it stands for
    beginning.unlink()
    return n_taken


def _encode_pan(path: Path, *, width: int, height: int, n_frames: int) -> None:
    """A view that moves over coloured noise and comes back from its edges; no two pictures are alike for a long time."""
    coarse = np.random.Generator(np.random.Philox(key=0)).integers(
        0, 256, (_TEXTURE // 16, _TEXTURE // 16, 3), np.uint8
    )
    texture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    room = _TEXTURE - np.array([height, width])
    options = {"preset": "veryfast", "g": "250", "bf": "3", "crf": "26"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        for number in range(n_frames):
            y, x = (room - np.abs(_STEP * number % (2 * room) - room)).tolist()
            view = np.ascontiguousarray(texture[y : y + height, x : x + width])
            frame = av.VideoFrame.from_ndarray(view, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
