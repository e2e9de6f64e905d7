import numpy as np
import pytest
import torch
from transformers.modeling_outputs import BaseModelOutputWithPooling

from framedex.microworld.smolvlm.model import visual_tokens_per_frame
from framedex.microworld.smolvlm.rows import collate, draw_caption_row, draw_row, draw_unseen_row
from framedex.microworld.smolvlm.turns import draw_turns, draw_unseen_turns

NO_LABEL = -100


@pytest.fixture
def parts(smol_tokenizer, untrained):
    return {"tokenizer": smol_tokenizer, "seq_len": visual_tokens_per_frame(untrained)}


def draw_rows(draw, stories, *arguments, **parts):
    rng = np.random.default_rng(2)
    rows = [draw(story, *arguments, rng=rng, **parts) for story in stories]
    rows = [row for row in rows if row is not None]
    assert len(rows) >= 2
    return rows


def logits_of(model, ids, places, tokens, mask=None):
    visual = model.model.connector(tokens).flatten(0, 1)
    seen = {"image": BaseModelOutputWithPooling(pooler_output=[visual])} if len(tokens) else None
    return model(
        input_ids=ids, attention_mask=mask, position_ids=places, mm_encoder_outputs=seen, use_cache=False
    ).logits


def spelled(tokenizer, row, branch):
    return tokenizer.decode([token for token, own in zip(row.ids, row.branch, strict=True) if own == branch])


@pytest.mark.parametrize("n_frames", [1, 3])
def test_questions_of_a_row_are_read_as_if_each_were_put_alone(untrained, stories, parts, n_frames):
    rows = draw_rows(draw_row, stories, n_frames, **parts)
    batch = collate(rows, pad_id=0)
    with torch.inference_mode():
        together = logits_of(untrained, batch.ids, batch.places, batch.tokens, batch.visible)
        for number, row in enumerate(rows):
            branch = np.array(row.branch)
            for choice in row.choices:
                own = branch[choice.place]
                kept = np.flatnonzero((branch == 0) | (branch == own))
                kept = kept[kept <= choice.place]
                ids = torch.tensor(row.ids)[kept][None]
                alone = logits_of(untrained, ids, torch.arange(len(kept))[None], row.tokens.float())
                torch.testing.assert_close(together[number, choice.place], alone[0, -1], atol=1e-4, rtol=1e-4)


def test_labels_are_the_answer_and_its_end_and_the_right_option(stories, parts):
    tokenizer = parts["tokenizer"]
    for row in draw_rows(draw_row, stories, 2, **parts):
        assert len(row.ids) == len(row.branch) == len(row.places) == len(row.labels)
        for place, label in enumerate(row.labels):
            if label != NO_LABEL:
                assert label == row.ids[place + 1]
                assert row.branch[place] == row.branch[place + 1]
        for choice in row.choices:
            assert row.labels[choice.place] == choice.options[choice.gold]
            assert tokenizer.decode(row.ids[: choice.place + 1]).endswith("\nAssistant:")
            listed = spelled(tokenizer, row, row.branch[choice.place])
            for letter, option in zip("ABCD", choice.options, strict=True):
                assert f"\n{letter}.{tokenizer.decode(option)}\n" in listed


def test_an_unseen_row_asks_nothing_that_its_frames_show(stories):
    rng = np.random.default_rng(0)
    seen = stories[0].seen(np.array([0, 1]))
    answered = {turn.question for turn in draw_turns(stories[0], seen, rng) if turn.options}
    unseen = draw_unseen_turns(stories[0], seen, rng)
    assert unseen
    for turn in unseen:
        assert not turn.contested
        if "thing?" in turn.question:
            assert turn.question not in answered


def test_a_row_without_frames_has_nothing_shared_and_no_placeholder(stories, parts, smol_tokenizer):
    for row in draw_rows(draw_unseen_row, stories, 0, **parts):
        assert len(row.tokens) == 0
        assert 0 not in row.branch
        assert smol_tokenizer.convert_tokens_to_ids("<image>") not in row.ids


def test_a_caption_row_learns_the_second_word_only(stories, parts, smol_tokenizer):
    for row in draw_rows(draw_caption_row, stories, **parts):
        for branch in range(1, max(row.branch) + 1):
            labels = [label for label, own in zip(row.labels, row.branch, strict=True) if own == branch]
            words = spelled(smol_tokenizer, row, branch).removesuffix("<end_of_utterance>").split()
            assert len(words) == 2
            assert smol_tokenizer.decode(labels[:1]) == f" {words[1]}"
        assert all(label == NO_LABEL for label, own in zip(row.labels, row.branch, strict=True) if own == 0)
