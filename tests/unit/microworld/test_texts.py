from framedex.microworld.frames import N_LABELS
from framedex.microworld.seeds import generator
from framedex.microworld.texts import draw_texts
from framedex.microworld.things import COLOURS, TEXTURES, THINGS


def test_every_label_has_a_text_that_names_it_and_nothing_else():
    colours, textures = set(COLOURS), set(TEXTURES)
    expected = [{thing.colour, thing.texture} for thing in THINGS]
    expected += [{colour} for colour in COLOURS] + [{texture} for texture in TEXTURES]
    for step in range(20):
        texts = draw_texts(generator(0, "texts", step))
        assert len(texts) == N_LABELS
        assert [set(text.split()) & (colours | textures) for text in texts] == expected


def test_texts_vary_between_steps():
    one, same, other = (draw_texts(generator(0, "texts", step)) for step in (0, 0, 1))
    assert one == same
    assert one != other
