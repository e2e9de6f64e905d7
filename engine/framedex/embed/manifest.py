"""`manifest.json` of an encoder artefact: what framedex knows of an encoder, and the one place where it is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from framedex.errors import ArtefactError, UsageError
from framedex.keys import Json, json_key

FORMAT: Final = "framedex-artefact"
PAIR_FORMAT: Final = "framedex-pair-artefact"
VERSION: Final = 1
MANIFEST_NAME = "manifest.json"
TOKENIZER_NAME = "tokenizer.json"
#: Key of a graph's metadata that holds the encoder key of the manifest that it was written with.
ENCODER_KEY = "framedex.encoder_key"

#: What a folder is that was named in another kind's place, and what takes it.
_KINDS: Final = {
    FORMAT: "an encoder: use it with framedex index --encoder",
    PAIR_FORMAT: "a pair scorer: use it with framedex scores make --scorer",
}
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1)]
Cosine = Annotated[float, Field(ge=-1.001, le=1.001)]
PerChannel = tuple[float, float, float]
Resize = Literal["squash", "shortest-edge-crop", "letterbox", "naflex"]
Family = Literal["siglip", "siglip2", "clip", "cris"]
Precision = Literal["fp32", "fp16-mixed", "bf16", "int8"]
AnyRecord = TypeVar("AnyRecord", bound="Record")
Origin = Literal["checkpoint", "converted from spiece.model", "written from the loaded tokenizer"]


class Record(BaseModel):
    """A part of a manifest: frozen, without fields that it does not know, without NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ImageRules(Record):
    """How a picture becomes the image tower's input.

    The resize runs before the tower, on uint8; `rescale`, `mean` and `std` (per channel, on values times `rescale`) are
    inside its graph. What each way of resizing does is in `framedex.embed.preprocess`.
    """

    size: tuple[Count, Count] = Field(description="height, width of what the tower takes, in pixels")
    resize: Resize
    interpolation: Literal["bicubic", "bilinear", "cubic"]
    antialias: bool = Field(description="false only for letterbox, whose published rule has none")
    channel_order: Literal["RGB"]
    rescale: Annotated[float, Field(gt=0)]
    mean: PerChannel
    std: PerChannel
    shortest_edge: Count | None = Field(
        default=None, description="shortest-edge-crop: the shorter edge before the crop"
    )
    patch: Count | None = Field(default=None, description="naflex: edge of a patch, in pixels")
    max_patches: Count | None = Field(default=None, description="naflex: most patches of a picture")
    note: str | None = Field(default=None, description="what of a picture the tower does not see as it is, in words")

    @model_validator(mode="after")
    def _fits_the_way(self) -> Self:
        if min(self.std) <= 0:
            raise ValueError(f"std: expected numbers above 0, got {list(self.std)}")
        plain = self.resize != "letterbox"
        if self.antialias != plain or (self.interpolation == "cubic") == plain:
            raise ValueError(
                f"image: expected {'antialias true and bicubic or bilinear' if plain else 'antialias false and cubic'} for "
                f"{self.resize}, got antialias {str(self.antialias).lower()} and {self.interpolation}"
            )
        for name, way in (("shortest_edge", "shortest-edge-crop"), ("patch", "naflex"), ("max_patches", "naflex")):
            if (getattr(self, name) is not None) != (self.resize == way):
                raise ValueError(
                    f"image.{name}: expected with {way} and only there, got {getattr(self, name)} with {self.resize}"
                )
        if self.shortest_edge is not None and self.shortest_edge < max(self.size):
            raise ValueError(
                f"image.shortest_edge: expected {max(self.size)} or more for a crop of {list(self.size)}, "
                f"got {self.shortest_edge}"
            )
        if self.patch is not None and self.max_patches is not None:
            sheet = ((self.max_patches + 1) * self.patch, self.patch)
            if self.size != sheet:
                raise ValueError(
                    f"image.size: expected {list(sheet)} for {self.max_patches} patches of {self.patch}, got {list(self.size)}"
                )
        return self


class TextRules(Record):
    """How a text becomes the text tower's input; lower-casing and punctuation are `tokenizer.json`'s business."""

    max_length: Count = Field(description="ids per text, the ends of text included")
    padding: Literal["max_length"]
    padding_side: Literal["left"] | None = Field(default=None, description="at the end where absent")
    pad_id: Annotated[int, Field(ge=0)]
    truncation: Literal["end"]
    bos_id: Annotated[int, Field(ge=0)] | None = Field(default=None, description="before every text; none where absent")
    eos: Literal["appended, kept when truncated"]
    eos_id: Annotated[int, Field(ge=0)]
    tokenizer_sha256: Sha256
    note: str = Field(description="what tokenizer.json does to a text before it looks pieces up, in words")


class Tower(Record):
    """One graph: image takes uint8 (n, H, W, 3), text int64 (m, max_length); both give float32 unit rows (·, dim)."""

    file: str
    any_length: bool | None = Field(
        default=None,
        description="text: ids may be cut behind the end of the longest text, since nothing behind it counts; no where absent",
    )
    fused: str | None = Field(
        default=None,
        description="the same with operators that only ONNX Runtime has, in another file, where there are any",
    )
    input: str
    output: str


class Towers(Record):
    """The two graphs."""

    image: Tower
    text: Tower


class FileEntry(Record):
    """A file of the artefact as it was written."""

    sha256: Sha256
    nbytes: Annotated[int, Field(ge=0)]


class Parity(Record):
    """What was measured against the torch model and its own processor and tokenizer before the artefact was written."""

    images: Count
    image_min_cosine: Cosine
    image_mean_cosine: Cosine
    preprocessing_max_grey_levels: Annotated[int, Field(ge=0, le=255)]
    texts: Count
    text_min_cosine: Cosine
    text_mean_cosine: Cosine
    tokenizer_texts: Count = Field(description="texts whose ids are equal, one by one")
    batch_min_cosine: Cosine = Field(description="one picture at a time against all in one batch")
    image_ranks: Cosine | None = Field(
        default=None,
        description="mean, over texts, of Spearman's correlation of pictures' scores; not measured where absent",
    )
    text_ranks: Cosine | None = Field(
        default=None, description="likewise, with the artefact's texts and torch's pictures"
    )


class Provenance(Record):
    """Who wrote the artefact; no part of the encoder key."""

    torch: str
    transformers: str
    onnx: str
    onnxruntime: str
    exporter: str
    opset: Count
    tokenizer: Origin


class Manifest(Record):
    """An encoder artefact's description.

    `parity` is None only while the exporter has not measured yet; no manifest on disk is without it.
    """

    format: Literal["framedex-artefact"]
    version: Literal[1]
    name: Annotated[str, Field(min_length=1)]
    family: Family
    dim: Count
    image: ImageRules
    text: TextRules
    logit_scale: Annotated[float, Field(gt=0)] = Field(
        description="already exponentiated: logit = cosine * scale + bias"
    )
    logit_bias: float | None = Field(default=None, description="0 where absent")
    weights_sha256: Sha256 = Field(description="of the checkpoint's file of weights; of names and digests of several")
    towers: Towers
    precision: Precision = Field(
        description="of the graphs' products; sums, norms, softmax and the head are float32 in all"
    )
    files: dict[str, FileEntry]
    parity: Parity | None
    provenance: Provenance

    @model_validator(mode="after")
    def _files_agree(self) -> Self:
        check_files(self.files, (self.towers.image.file, self.towers.text.file), self.text)
        return self

    def identity(self) -> dict[str, Json]:
        """What makes two artefacts the same encoder: weights, preprocessing and text rules."""
        return encoder_identity(
            family=self.family, dim=self.dim, weights_sha256=self.weights_sha256, image=self.image, text=self.text
        )

    @property
    def encoder_key(self) -> str:
        """Key of `identity`: 32 hex digits."""
        return json_key(self.identity())

    def to_json(self) -> str:
        """The text of `manifest.json`; rules that the family does not have are left out."""
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"


def encoder_identity(
    *, family: Family, dim: int, weights_sha256: str, image: ImageRules, text: TextRules
) -> dict[str, Json]:
    """What an encoder key is the key of; runtime, precision, names, notes, parity and versions are not in it.

    Rules that a family does not have are left out, so that one that is added later leaves keys as they are.
    """
    return {
        "family": family,
        "dim": dim,
        "weights_sha256": weights_sha256,
        "image": image.model_dump(mode="json", exclude={"note"}, exclude_none=True),
        "text": text.model_dump(mode="json", exclude={"note"}, exclude_none=True),
    }


def check_files(files: Mapping[str, FileEntry], graphs: Iterable[str], text: TextRules) -> None:
    """Check a manifest's list of files: plain names, graphs and tokenizer among them.

    Raises:
        ValueError: the first thing that is wrong.
    """
    for name in files:
        if not _PLAIN_NAME.fullmatch(name) or name == MANIFEST_NAME:
            raise ValueError(f"files: expected plain names of files beside the manifest, got {name!r}")
    for name in (*graphs, TOKENIZER_NAME):
        if name not in files:
            raise ValueError(f"files: {name!r} is needed and not listed")
    listed = files[TOKENIZER_NAME].sha256
    if listed != text.tokenizer_sha256:
        raise ValueError(f"text.tokenizer_sha256: expected that of files, {listed}, got {text.tokenizer_sha256}")


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of the artefact in `folder`; its files are `Artefact.open`'s to check.

    Raises:
        UsageError: there is no such folder.
        ArtefactError: the folder holds no manifest, or one that does not hold, and why.
    """
    return validate_manifest(read_json(folder, what="encoder artefact"), subject=str(folder / MANIFEST_NAME))


def validate_manifest(value: Any, *, subject: str) -> Manifest:
    """Turn a parsed `manifest.json` into a Manifest.

    Raises:
        ArtefactError: the first thing that is wrong with it, as subject, field, got and expected.
    """
    manifest = validate_record(Manifest, value, subject=subject, form=FORMAT, version=VERSION)
    if manifest.parity is None:
        raise ArtefactError(f"{subject}: parity was never measured; export it again")
    return manifest


def read_json(folder: Path, *, what: str) -> Any:
    """The parsed `manifest.json` of the artefact in `folder`, not yet checked.

    Args:
        folder: of the artefact.
        what: kind of artefact, for messages.

    Raises:
        UsageError: there is no such folder.
        ArtefactError: the folder holds no manifest, or one that is no JSON.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such {what}; expected a folder that framedex-export wrote")
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise ArtefactError(
            f"{folder}: no {what}, {MANIFEST_NAME} is missing; make one: framedex-export FAMILY CHECKPOINT -o ARTEFACT"
        )
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise ArtefactError(f"{path}: not JSON ({error}); export it again") from error


def validate_record(model: type[AnyRecord], value: Any, *, subject: str, form: str, version: int) -> AnyRecord:
    """Turn a parsed `manifest.json` of one format and version into its record.

    Raises:
        ArtefactError: an artefact of another kind, another format or version, or the first field that does not hold.
    """
    got = value.get("format") if isinstance(value, dict) else None
    if got != form and isinstance(got, str) and got in _KINDS:
        raise ArtefactError(f"{subject}: this is {_KINDS[got]}")
    if got != form:
        raise ArtefactError(f"{subject}: expected an object with format {form!r}, got {got!r}; export it again")
    if value.get("version") != version:
        raise ArtefactError(
            f"{subject}: this framedex reads version {version}, got {value.get('version')!r}; "
            "upgrade framedex, or export it again"
        )
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise ArtefactError(f"{subject}: {first_fault(error)}; export it again") from error


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with a value, as field, what is expected, and what was got."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    # Our own checks name their field and what they got.
    message = first["msg"].removeprefix("Value error, ")
    if not where or first["type"] == "value_error":
        return message
    if first["type"] == "missing":
        return f"{where}: missing"
    got = first["input"]
    shown = repr(got) if isinstance(got, str | int | float | None) else f"a {type(got).__name__}"
    return f"{where}: {message}, got {shown}"
