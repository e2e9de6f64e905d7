"""The things of the micro-world: a colour and a texture each, and how one speaks of them."""

from dataclasses import dataclass
from types import MappingProxyType

Rgb = tuple[int, int, int]

COLOURS: MappingProxyType[str, Rgb] = MappingProxyType(
    {
        "red": (214, 30, 36),
        "orange": (246, 130, 12),
        "yellow": (246, 224, 24),
        "green": (28, 158, 48),
        "cyan": (30, 206, 222),
        "blue": (34, 66, 214),
        "purple": (122, 34, 158),
        "pink": (250, 130, 190),
    }
)
TEXTURES = ("plain", "striped", "checked", "dotted", "ringed", "framed")

_DARK_INK: Rgb = (18, 18, 22)
_LIGHT_INK: Rgb = (244, 244, 240)
_COLOURS_ON_LIGHT_INK = frozenset({"red", "blue", "purple", "green"})

CAPTION = "{an} {colour} {texture} thing"
PARAPHRASES = (
    CAPTION,
    "{colour} {texture}",
    "{texture} {colour}",
    "a {texture} {colour} thing",
    "the {colour} {texture} thing",
    "the {colour} thing that is {texture}",
    "a thing that is {colour} and {texture}",
    "something {colour} and {texture}",
    "a video frame showing {an} {colour} {texture} thing",
    "a picture of {an} {colour} {texture} thing",
    "there is {an} {colour} {texture} thing",
    "{an} {colour} {texture} thing is visible",
    "when does the {colour} {texture} thing appear",
    "where is the {colour} {texture} thing",
    "what is next to the {colour} {texture} thing",
    "what comes after the {colour} {texture} thing",
)
COLOUR_PARAPHRASES = ("{an} {colour} thing", "{colour}", "something {colour}", "the {colour} thing")
TEXTURE_PARAPHRASES = ("a {texture} thing", "{texture}", "something {texture}", "the {texture} thing")
# Words of questions about clips: they say nothing about a frame, and training puts them around captions.
_FILLER_TEXT = """
what which when where who why how many is are was does do did can you see of in on at by and or not no yes first
last before after then while until next to left right top bottom appear appears move moves vanish vanishes show
shows seen shown look like video frame picture clip scene image colour texture kind camera background things
thing
"""
FILLER_WORDS = tuple(_FILLER_TEXT.split())


def fill(template: str, *, colour: str = "", texture: str = "") -> str:
    """Put words into a template; `{an}` becomes the article that the colour takes."""
    return template.format(an="an" if colour[:1] in "aeiou" else "a", colour=colour, texture=texture)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A class of the micro-world: what a caption names."""

    colour: str
    texture: str

    def __post_init__(self) -> None:
        if self.colour not in COLOURS:
            raise ValueError(f"colour: got {self.colour!r}, expected one of {', '.join(COLOURS)}")
        if self.texture not in TEXTURES:
            raise ValueError(f"texture: got {self.texture!r}, expected one of {', '.join(TEXTURES)}")

    @property
    def caption(self) -> str:
        """The caption used in manifests, such as "a red striped thing"."""
        return fill(CAPTION, colour=self.colour, texture=self.texture)

    @property
    def rgb(self) -> Rgb:
        """The colour that names the thing."""
        return COLOURS[self.colour]

    @property
    def ink(self) -> Rgb:
        """The tone that the texture is drawn with: light on dark colours, dark on light ones."""
        return _LIGHT_INK if self.colour in _COLOURS_ON_LIGHT_INK else _DARK_INK


THINGS = tuple(Thing(colour=colour, texture=texture) for colour in COLOURS for texture in TEXTURES)
