import pytest

from framedex.microworld.things import COLOURS, PARAPHRASES, TEXTURES, THINGS, Thing, fill


def test_every_pair_is_a_thing_once():
    assert len(THINGS) == len(set(THINGS)) == len(COLOURS) * len(TEXTURES) == 48


def test_captions_name_colour_and_texture():
    assert Thing(colour="red", texture="striped").caption == "a red striped thing"
    assert Thing(colour="orange", texture="plain").caption == "an orange plain thing"


@pytest.mark.parametrize("template", PARAPHRASES)
def test_every_paraphrase_tells_all_things_apart(template):
    texts = {fill(template, colour=thing.colour, texture=thing.texture) for thing in THINGS}
    assert len(texts) == len(THINGS)


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="colour: got 'mauve'"):
        Thing(colour="mauve", texture="plain")
    with pytest.raises(ValueError, match="texture: got 'furry'"):
        Thing(colour="red", texture="furry")
