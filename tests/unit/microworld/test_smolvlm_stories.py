import numpy as np
import torch

from framedex.microworld.smolvlm.model import image_processor
from framedex.microworld.smolvlm.stories import FRAMES_PER_STORY, draw_stories, tower_tokens


def test_stories_are_determined_by_seed_and_number(untrained, stories):
    tower = untrained.model.vision_model
    fewer = draw_stories(0, 2, tower=tower, processor=image_processor())
    other = draw_stories(1, 1, tower=tower, processor=image_processor())
    for one, same in zip(fewer, stories[:2], strict=True):
        assert (one.things, one.shown) == (same.things, same.shown)
        torch.testing.assert_close(one.tokens, same.tokens, atol=1e-2, rtol=1e-2)
    assert other[0].things != stories[0].things


def test_frames_show_at_most_two_of_the_storys_things(stories):
    for story in stories:
        assert len(set(story.things)) == len(story.things) >= 3
        assert len(story.shown) == len(story.tokens) == FRAMES_PER_STORY
        for shown in story.shown:
            assert len(shown) <= 2
            assert shown <= set(story.things)
        assert story.seen(np.arange(FRAMES_PER_STORY)) == frozenset().union(*story.shown)


def test_the_cached_tokens_are_what_the_whole_model_sees(untrained):
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    cached = tower_tokens(untrained.model.vision_model, image_processor(), [frame])
    with torch.inference_mode():
        through_connector = untrained.model.connector(cached.float()).flatten(0, 1)
        pixels = image_processor()(images=[[frame]], return_tensors="pt")["pixel_values"]
        (whole,) = untrained.get_image_features(pixels).pooler_output
    torch.testing.assert_close(through_connector, whole, atol=2e-2, rtol=0)
