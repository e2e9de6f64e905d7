from collections import Counter

import numpy as np
import pytest

from framedex.microworld.questions import CATEGORIES, N_OPTIONS, ThingQuestion, draw_questions
from framedex.microworld.things import COLOURS, TEXTURES, THINGS, Thing

N_DRAWS = 3000


def thing(colour, texture):
    return Thing(colour=colour, texture=texture)


def draw_things(rng):
    return [THINGS[number] for number in rng.choice(len(THINGS), size=int(rng.integers(3, 7)), replace=False)]


@pytest.fixture(scope="module")
def sample():
    """Many (question, things) pairs, the questions in the balance that worlds ask them in."""
    rng = np.random.default_rng(4)
    pairs = []
    for _ in range(N_DRAWS):
        things = draw_things(rng)
        drawn = draw_questions(things, rng)
        for category in CATEGORIES:
            pairs += [(question, things) for question in [q for q in drawn if q.category == category][:2]]
    return pairs


def true_of(word, things):
    return [each for each in things if word in (each.colour, each.texture)]


def test_exactly_one_option_is_right_among_all_things(sample):
    for question, things in sample:
        if question.category == "existence":
            assert [word for word in question.options(0) if true_of(word, things)] == [question.gold]
            assert set(question.about) == set(true_of(question.gold, things))
        else:
            (named,) = [each for each in things if any(word in question.question.split() for word in vars_of(each))]
            assert question.about == (named,)
            assert [word for word in question.options(0) if word in vars_of(named)] == [question.gold]


def vars_of(each):
    return each.colour, each.texture


def test_an_attribute_question_has_an_option_that_is_true_of_another_thing(sample):
    lured = others = 0
    for question, things in sample:
        if question.category == "attribute":
            words = COLOURS if question.gold in COLOURS else TEXTURES
            possible = {word for each in things for word in vars_of(each) if word in words} - {question.gold}
            others += bool(possible)
            lured += bool(possible & set(question.wrong))
    assert lured == others > 1000


def test_a_thing_whose_property_another_one_shares_is_not_asked_by_it():
    things = [thing("red", "striped"), thing("blue", "striped"), thing("blue", "dotted")]
    texts = {question.question for question in draw_questions(things, np.random.default_rng(0))}
    assert "What is the texture of the red thing?" in texts
    assert "What colour is the dotted thing?" in texts
    assert "What colour is the striped thing?" not in texts
    assert "What is the texture of the blue thing?" not in texts


def test_existence_is_asked_only_where_three_words_are_true_of_nothing():
    things = [thing(colour, "plain") for colour in list(COLOURS)[:6]]
    questions = [q for q in draw_questions(things, np.random.default_rng(0)) if q.category == "existence"]
    assert {question.question for question in questions} == {"Which texture appears in the video?"}


def test_the_declarative_states_question_and_right_option():
    questions = draw_questions([thing("orange", "ringed")], np.random.default_rng(0))
    assert {question.declarative for question in questions} == {
        "The ringed thing is orange.",
        "The orange thing is ringed.",
        "An orange thing appears.",
        "A ringed thing appears.",
    }


def test_the_position_of_the_right_option_is_the_callers_choice():
    question = draw_questions([thing("red", "plain")], np.random.default_rng(0))[0]
    for position in range(N_OPTIONS):
        options = question.options(position)
        assert options[position] == question.gold
        assert [word for word in options if word != question.gold] == list(question.wrong)


def test_the_text_alone_does_not_tell_the_answer(sample):
    """A rule learnt from half of the questions (the likeliest answer for this text, among the options) is at chance."""
    half = len(sample) // 2
    golds = {}
    for question, _ in sample[:half]:
        golds.setdefault(question.question, Counter())[question.gold] += 1
    right = []
    for question, _ in sample[half:]:
        options = sorted(question.options(0))
        right.append(max(options, key=lambda word: golds[question.question][word]) == question.gold)
    assert np.mean(right) == pytest.approx(0.25, abs=0.03)


def test_no_word_is_right_much_more_often_than_it_is_offered(sample):
    offered, right = Counter(), Counter()
    for question, _ in sample:
        offered.update(question.options(0))
        right[question.gold] += 1
    assert set(offered) == {*COLOURS, *TEXTURES}
    for word, count in offered.items():
        assert right[word] / count == pytest.approx(0.25, abs=0.04)


def test_drawing_is_determined_by_the_generator():
    one, same = (draw_questions(list(THINGS[:30:7]), np.random.default_rng(3)) for _ in range(2))
    assert one == same


def test_options_that_are_not_four_different_words_are_refused():
    fields = {"category": "existence", "question": "?", "declarative": ".", "about": (THINGS[0],)}
    with pytest.raises(ValueError, match="expected 4 different words"):
        ThingQuestion(gold="red", wrong=("red", "blue", "pink"), **fields)
