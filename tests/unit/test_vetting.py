"""The vetting calculator against independent recursions, every path, simulation, Wald's theorems and its own page."""

from __future__ import annotations

import itertools
import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.analysis import vetting
from sim.analysis.plots.vetting import vetting as figure_of
from sim.analysis.vetting import KINDS, NUMBERS, QUESTIONS, Interview, Question, compare, courses, questions_for, vet
from sim.parameters import meta

approx = pytest.approx
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "model.md").read_text(encoding="utf-8")
MANY_SE = 4.0
REFERENCE = Interview(questions=questions_for(["complaints"], {"p1": 0.75, "p0": 0.35}))
"""The model page's example: one kind of question, α = .05, β = .10, prior .10."""


def alike(p1: float, p0: float, **numbers: float) -> Interview:
    """An interview with one kind of question."""
    return Interview(questions=questions_for(["complaints"], {"p1": p1, "p0": p0}), **numbers)


def by_counts(interview: Interview, genuine: bool) -> tuple[float, float]:
    """Share accepted and expected questions, by recursion on the counts of convincing and vague answers."""
    question = interview.questions[0]
    chance = question.p1 if genuine else question.p0
    up, down = math.log(question.p1 / question.p0), math.log((1 - question.p1) / (1 - question.p0))

    @cache
    def from_here(convincing: int, vague: int) -> tuple[float, float]:
        evidence = convincing * up + vague * down
        if evidence >= interview.upper:
            return 1.0, 0.0
        if evidence <= interview.lower or convincing + vague == 300:
            return 0.0, 0.0
        yes, no = from_here(convincing + 1, vague), from_here(convincing, vague + 1)
        return tuple(chance * a + (1.0 - chance) * b + step for a, b, step in zip(yes, no, (0.0, 1.0), strict=True))

    return from_here(0, 0)


def every_path(interview: Interview, genuine: bool) -> tuple[float, float, float, float]:
    """Share accepted, expected questions, cost and share forced, by walking every series of answers."""
    sums = np.zeros(4)
    for answers in itertools.product((True, False), repeat=interview.max_questions):
        evidence, chance, cost = 0.0, 1.0, 0.0
        for k, convincing in enumerate(answers):
            if interview.lower < evidence < interview.upper:
                question = interview.questions[k % len(interview.questions)]
                evidence += math.log(question.p1 / question.p0 if convincing else (1 - question.p1) / (1 - question.p0))
                cost += question.cost
                asked = k + 1
            p = interview.questions[k % len(interview.questions)]
            chance *= (p.p1 if genuine else p.p0) if convincing else 1 - (p.p1 if genuine else p.p0)
        forced = interview.lower < evidence < interview.upper
        sums += chance * np.array([evidence >= 0.0, asked, cost, forced])
    return tuple(sums)


# ---------------------------------------------------------------------------------------------------------------
# The numbers
# ---------------------------------------------------------------------------------------------------------------
def test_the_numbers_of_the_model_page():
    found = vet(REFERENCE)
    assert found.genuine.questions == approx(8.6710, abs=5e-5)
    assert found.cat_poster.questions == approx(7.0615, abs=5e-5)
    assert found.accepted == approx(0.12588, abs=5e-6)
    assert found.genuine_among_accepted == approx(0.7416, abs=5e-5)


@pytest.mark.parametrize(
    ("p1", "p0", "alpha", "beta"),
    [(0.75, 0.35, 0.05, 0.1), (0.85, 0.25, 0.01, 0.05), (0.65, 0.45, 0.2, 0.2), (0.7, 0.3, 0.05, 0.3)],
)
def test_against_a_recursion_on_counts(p1, p0, alpha, beta):
    interview = alike(p1, p0, alpha=alpha, beta=beta)
    found = vet(interview)
    for course, genuine in ((found.genuine, True), (found.cat_poster, False)):
        assert (course.share_accepted, course.questions) == approx(by_counts(interview, genuine), abs=1e-9)
        assert course.undecided <= vetting.UNDECIDED
        assert course.exact


@pytest.mark.parametrize("names", [["all"], ["absent_partner", "team_rating", "trust_example"]])
def test_a_mixed_interview_against_every_path(names):
    interview = Interview(questions=questions_for(names), max_questions=11)
    found = vet(interview)
    for course, genuine in ((found.genuine, True), (found.cat_poster, False)):
        numbers = (course.share_accepted, course.questions, course.cost, course.forced)
        assert numbers == approx(every_path(interview, genuine), abs=1e-12)
        assert course.undecided == 0.0


def test_against_simulated_interviews():
    interview, found, n = Interview(), vet(Interview()), 40_000
    rng = np.random.default_rng(20)
    for course, number in ((found.genuine, "p1"), (found.cat_poster, "p0")):
        evidence, asked, cost = np.zeros(n), np.zeros(n), np.zeros(n)
        for k in range(len(course.accepted)):
            question = interview.questions[k % 6]
            going = (interview.lower < evidence) & (evidence < interview.upper)
            convincing = rng.random(n) < getattr(question, number)
            up, down = math.log(question.p1 / question.p0), math.log((1 - question.p1) / (1 - question.p0))
            evidence += going * np.where(convincing, up, down)
            asked += going
            cost += going * question.cost
        for drawn, exact in ((evidence > 0, course.share_accepted), (asked, course.questions), (cost, course.cost)):
            assert abs(drawn.mean() - exact) < MANY_SE * drawn.std() / math.sqrt(n)
        within = (asked <= course.enough_for(0.95)).mean()
        assert within > 0.95 - MANY_SE * math.sqrt(0.95 * 0.05 / n)


def test_a_simulated_search():
    """Candidates come until a genuine one is accepted; what that takes is a mean over many searches."""
    found, rng, n = vet(Interview(prior=0.3)), np.random.default_rng(3), 300_000
    genuine = rng.random(n) < 0.3
    share = np.where(genuine, found.genuine.share_accepted, found.cat_poster.share_accepted)
    accepted = rng.random(n) < share
    ends = np.flatnonzero(genuine & accepted)
    lengths = np.diff(np.concatenate([[-1], ends]))
    taken_on = np.diff(np.concatenate([[0], np.cumsum(accepted & ~genuine)[ends]]))
    for drawn, exact in ((lengths, found.candidates_per_partner), (taken_on, found.cat_posters_per_partner)):
        assert abs(drawn.mean() - exact) < MANY_SE * drawn.std() / math.sqrt(len(ends))
    assert found.questions_per_partner == approx(found.questions * found.candidates_per_partner)
    assert found.cost_per_partner == approx(found.cost * found.candidates_per_partner)


probabilities = st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)).filter(
    lambda pair: abs(pair[0] - pair[1]) > 0.2
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    pairs=st.lists(probabilities, min_size=1, max_size=3),
    alpha=st.floats(0.005, 0.45),
    beta=st.floats(0.005, 0.45),
    prior=st.floats(0.01, 0.99),
)
def test_the_theorems_of_wald(pairs, alpha, beta, prior):
    """At a yes the likelihood ratio is at least (1 − β)/α, so a0 ≤ a1·α/(1 − β); at a no likewise; all add up."""
    questions = tuple(
        Question(name=f"q{k}", kind="behaviour", text="?", p1=max(pair), p0=min(pair)) for k, pair in enumerate(pairs)
    )
    interview = Interview(alpha=alpha, beta=beta, prior=prior, questions=questions)
    found = vet(interview)
    a1, a0, slack = found.genuine.share_accepted, found.cat_poster.share_accepted, 1e-8
    assert a0 <= a1 * alpha / (1.0 - beta) + slack
    assert 1.0 - a1 <= (1.0 - a0) * beta / (1.0 - alpha) + slack
    for course in (found.genuine, found.cat_poster):
        assert course.ended.sum() == approx(1.0 - course.undecided, abs=1e-12)
        assert course.forced == 0.0
    assert found.found <= min(found.accepted, prior)
    assert found.genuine_among_accepted > prior


def test_each_question_is_paid_when_it_is_asked():
    interview = Interview(questions=questions_for(["all"], {"cost": 0.0, "complaints.cost": 7.0}))
    for course in courses(interview, [1.0, 0.0]):
        going_on = 1.0 - np.cumsum(course.ended)
        assert course.cost == approx(7.0 * going_on[3::6].sum(), abs=1e-9)


def test_wald_s_formulas_are_near_and_too_low():
    for interview in (REFERENCE, Interview()):
        found = vet(interview)
        exact = (found.genuine.questions, found.cat_poster.questions)
        for approximate, number in zip(vetting.wald_questions(interview), exact, strict=True):
            assert 0.75 * number < approximate < number
    assert vetting.wald_questions(REFERENCE) == approx((7.1416, 5.6281), abs=5e-5)


def test_neighbours_put_together_hardly_change_the_result(monkeypatch):
    """Three different questions that tell little: every sum of evidence, against 500 at a time."""
    asked = ["trust_example", "complaints", "agreed_actions"]
    numbers = {f"{name}.p1": p1 for name, p1 in zip(asked, (0.68, 0.71, 0.75), strict=True)}
    interview = Interview(questions=questions_for(asked, {**numbers, "p0": 0.41}))
    monkeypatch.setattr(vetting, "MOST_STATES", 100_000)
    exact = vet(interview)
    monkeypatch.setattr(vetting, "MOST_STATES", 500)
    near = vet(interview)
    assert exact.genuine.exact
    assert not near.genuine.exact
    for one, other in ((exact.genuine, near.genuine), (exact.cat_poster, near.cat_poster)):
        assert other.share_accepted == approx(one.share_accepted, abs=1e-5)
        assert other.questions == approx(one.questions, abs=1e-3)
        assert other.ended.sum() == approx(1.0, abs=1e-11)


# ---------------------------------------------------------------------------------------------------------------
# What must come out
# ---------------------------------------------------------------------------------------------------------------
def test_forced_to_stop_after_three_questions_lets_more_cat_posters_in():
    for interview in (Interview(), REFERENCE):
        early, whole = vetting.stopped_early(interview), vet(interview)
        assert early.cat_poster.share_accepted > 5 * whole.cat_poster.share_accepted
        assert early.cat_posters_per_partner > 5 * whole.cat_posters_per_partner
        assert early.genuine_among_accepted < 0.3 < 0.7 < whole.genuine_among_accepted
        assert early.genuine.share_accepted < whole.genuine.share_accepted


def test_the_longer_the_interview_may_be_the_fewer_cat_posters_get_in():
    accepted = [vet(REFERENCE.changed(max_questions=n)).cat_poster.share_accepted for n in (0, 3, 5, 9, 21, 61)]
    assert accepted == sorted(accepted, reverse=True)
    assert accepted[-1] == approx(vet(REFERENCE).cat_poster.share_accepted, abs=1e-3)


def test_self_ratings_alone_do_hardly_better_than_chance():
    """As many of them as the interview has questions find genuine partners little more often than drawing lots."""
    found = compare(Interview())
    ratings, whole = found["self-ratings only"], found["the interview"]
    assert abs(ratings.questions - whole.questions) < 0.5
    assert ratings.interview.prior < ratings.genuine_among_accepted < 1.25 * ratings.interview.prior
    told = {name: way.genuine.share_accepted - way.cat_poster.share_accepted for name, way in found.items()}
    assert 0.0 < told["self-ratings only"] < 0.15 * told["the interview"]


def test_without_vetting_everybody_gets_in():
    blind = compare(Interview())["no vetting"]
    assert (blind.accepted, blind.questions, blind.cost) == (1.0, 0.0, 0.0)
    assert blind.genuine_among_accepted == approx(0.1)
    assert blind.candidates_per_partner == approx(10.0)


def test_calibration_targets_of_the_model_page():
    """6 to 9 questions a vetting, 10 to 15% of the candidates accepted."""
    found = vet(Interview())
    assert 6.0 <= found.questions <= 9.0
    assert 0.10 <= found.accepted <= 0.15


def test_the_more_practice_follows_words_the_likelier_the_yes():
    degrees = np.linspace(0.0, 1.0, 11)
    accepted = [course.share_accepted for course in courses(Interview(), degrees)]
    found = vet(Interview())
    assert (np.diff(accepted) > 0.0).all()
    assert accepted[0] == approx(found.cat_poster.share_accepted)
    assert accepted[-1] == approx(found.genuine.share_accepted)


def test_worth_of_an_accepted_partner():
    found = compare(Interview(value_genuine=20.0, value_cat_poster=-10.0))
    assert found["no vetting"].value == approx(0.1 * 20 - 0.9 * 10)
    whole = found["the interview"]
    share = whole.genuine_among_accepted
    assert whole.value == approx(20 * share - 10 * (1 - share) - whole.cost / whole.accepted)
    assert whole.value > found["three questions"].value > found["self-ratings only"].value
    assert vet(Interview()).value is None


# ---------------------------------------------------------------------------------------------------------------
# Edges
# ---------------------------------------------------------------------------------------------------------------
def test_answers_that_speak_for_neither_side_are_a_yes_when_time_is_up():
    """p1 = 1 − p0: one convincing and one vague answer cancel, whatever the rounding of their logarithms."""
    found = vet(alike(0.7, 0.3, alpha=0.01, beta=0.01, max_questions=2))
    assert found.cat_poster.share_accepted == approx(1.0 - 0.7**2)
    assert found.genuine.share_accepted == approx(1.0 - 0.3**2)
    assert found.forced == approx(1.0)


def test_evidence_that_meets_a_bound_decides():
    """(1 − β)/α = 9 = 3·3 exactly two convincing answers."""
    found = vet(alike(0.75, 0.25, alpha=0.1, beta=0.1))
    assert found.genuine.accepted[2] == approx(0.75**2)
    assert found.genuine.rejected[2] == approx(0.25**2)


def test_a_question_that_comes_twice_is_asked_twice():
    once = vet(Interview(questions=questions_for(["complaints"])))
    twice = vet(Interview(questions=questions_for(["complaints", "complaints"])))
    assert twice.genuine.ended == approx(once.genuine.ended)


def test_an_interview_that_would_not_end_is_refused(monkeypatch):
    monkeypatch.setattr(vetting, "HORIZON", 500)
    with pytest.raises(ValueError, match="tell too little"):
        vet(alike(0.501, 0.5))


@pytest.mark.parametrize(
    ("names", "changes", "message"),
    [
        (["complaint"], {}, "'complaint' is no question; did you mean 'complaints'"),
        (["complaints"], {"complaints.p3": 0.5}, "complaints.p3: is no setting .* did you mean 'complaints.p"),
        (["complaints"], {"alpha": 0.5}, "alpha: is no setting of a question"),
        (["complaints"], {"team_rating.p1": 0.9}, "'team_rating' is not asked in this interview"),
        (["complaints"], {"p1": 0.2}, "complaints: p1 = 0.2 must be above p0 = 0.3"),
        (["complaints"], {"p1": 0.3}, "complaints: p1 = 0.3 must be above p0 = 0.3"),
        (["complaints"], {"p1": 1.0}, "less than or equal to 0.99"),
        (["complaints"], {"cost": -1.0}, "greater than or equal to 0"),
    ],
)
def test_questions_with_mistakes_are_refused(names, changes, message):
    with pytest.raises(ValueError, match=message):
        questions_for(names, changes)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"alpha": 0.5, "beta": 0.5}, "alpha \\+ beta = 1 must be below 1"),
        ({"alpha": 0.0}, "greater than or equal"),
        ({"prior": 1.0}, "less than or equal"),
        ({"beta": math.nan}, "finite"),
        ({"questions": ()}, "at least 1"),
        ({"max_questions": -1}, "greater than or equal"),
        ({"value_genuine": 3.0}, "both sorts"),
        ({"gamma": 1.0}, "not permitted"),
    ],
)
def test_interviews_with_mistakes_are_refused(numbers, message):
    with pytest.raises(ValidationError, match=message):
        Interview(**numbers)


def test_a_setting_of_one_question_goes_before_that_of_all():
    for order in (("complaints.p1", "p1"), ("p1", "complaints.p1")):
        values = {"complaints.p1": 0.9, "p1": 0.7}
        asked = questions_for(["behaviour"], {key: values[key] for key in order})
        assert [question.p1 for question in asked] == [0.7, 0.9, 0.7, 0.7]


# ---------------------------------------------------------------------------------------------------------------
# Declarations, words, page, figure
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", [Interview, Question])
def test_every_number_is_declared_with_bounds_unit_meaning_and_basis(model):
    for name, field in model.model_fields.items():
        if name in ("name", "kind", "text", "questions"):
            continue
        about = meta(field)
        assert set(about) == {"unit", "basis", "source", "low", "high"}, name
        assert about["low"] < about["high"], name
        assert field.description, name


def test_behavioural_questions_tell_and_self_ratings_hardly_do():
    assert list(KINDS["behaviour"] + KINDS["self"]) == sorted(QUESTIONS, key=lambda name: QUESTIONS[name].kind)
    for question in QUESTIONS.values():
        if question.kind == "behaviour":
            assert 0.65 <= question.p1 <= 0.85
            assert 0.25 <= question.p0 <= 0.45
        else:
            assert question.p1 - question.p0 <= 0.1


def test_the_model_page_has_the_questions_as_declared():
    rows = dict(re.findall(r"^\| `(\w+)`: .*? \| (\w+ \| [\d.]+ \| [\d.]+ \| [\d.]+) \|$", PAGE, flags=re.MULTILINE))
    assert rows == {
        name: f"{q.kind} | {q.p1:.2f} | {q.p0:.2f} | {q.cost:.3f}" for name, q in QUESTIONS.items()
    }  # fmt: skip


def test_the_model_page_has_the_comparison_as_computed():
    for name, way in compare(Interview()).items():
        row = (
            f"| {name} | {way.genuine.share_accepted:.1%} | {way.cat_poster.share_accepted:.1%} "
            f"| {way.genuine_among_accepted:.1%} | {way.questions:.1f} |"
        )
        assert row in PAGE


def test_sentences_say_what_was_computed():
    found = vet(Interview())
    effort, harvest, search, ending = vetting.sentences(found)
    assert f"{found.questions:.1f} questions ({found.genuine.questions:.1f} of a genuine partner" in effort
    telling = vet(Interview(questions=questions_for(["behaviour"])))
    assert f"{telling.questions:.1f} without the self-ratings" in effort
    assert f"no more than {found.enough_for(0.95)}." in effort
    assert f"you accept {100 * found.accepted:.0f}, of whom {100 * found.found:.1f} " in harvest
    assert f"{found.questions_per_partner:.0f} questions" in search
    assert f"would accept {100 * vetting.stopped_early(Interview()).accepted:.0f} of 100" in ending


def test_sentences_about_a_limit_and_about_worth():
    limited = vetting.sentences(vet(Interview(max_questions=3, value_genuine=20.0, value_cat_poster=-10.0)))
    assert len(limited) == 5
    assert "leaves 100% of the candidates at a maybe" in limited[3]
    assert "30% of cat posters are accepted, against at most 6% without a limit" in limited[3]
    assert "worth −3.2 money after the search, without vetting −7; even so you lose on it." in limited[4]


def test_sentences_without_vetting_count_no_questions_and_compare_with_nothing():
    asked, _, search, worth = vetting.sentences(
        vet(Interview(max_questions=0, value_genuine=20.0, value_cat_poster=-10.0))
    )
    assert "everybody is accepted" in asked
    assert search == "One genuine partner takes about 10 candidates; on the way you accept 9 cat posters."
    assert worth == "An accepted partner is worth −7 money; you lose on it."


def test_sentences_warn_of_stopping_only_where_that_would_cost_something():
    assert "of whom only" in vetting.sentences(vet(Interview()))[3]
    assert "only" not in vetting.sentences(vet(Interview(prior=0.999)))[3]
    for limit in (None, 5):
        over_at_once = vet(Interview(alpha=0.49, beta=0.49, max_questions=limit))
        assert over_at_once.genuine.enough_for(1.0) == 1
        assert len(vetting.sentences(over_at_once)) == 3


def test_one_candidate_is_no_plural():
    search = vetting.sentences(vet(Interview(max_questions=0, prior=0.999)))[2]
    assert search == "One genuine partner takes about 1 candidate; on the way you accept 0.001 cat posters."
    assert vetting.sentences(vet(Interview(max_questions=0, prior=0.5)))[2].endswith("you accept 1 cat poster.")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (87.16, "87"), (1075.2, "1,075"), (9.31, "9.3"), (8.0, "8"), (0.37, "0.4"), (0.07, "0.07"),
        (1e-5, "fewer than 0.001"), (0.0, "none"),
    ],
)  # fmt: skip
def test_numbers_in_words(number, said):
    assert vetting._about(number) == said


@pytest.mark.parametrize("limit", [None, 3, 0])
def test_the_figure_shows_what_was_computed(limit):
    found = vet(Interview(max_questions=limit))
    figure = figure_of(found)
    left, right = figure.axes
    assert len(left.lines) == (3 if limit is None else 2)
    planned = left.lines[0].get_ydata()
    assert (planned[0], planned[-1]) == approx((found.cat_poster.share_accepted, found.genuine.share_accepted))
    up = sum(bar.get_height() for bar in right.patches if bar.get_height() > 0.0)
    down = sum(bar.get_height() for bar in right.patches if bar.get_height() < 0.0)
    last = found.enough_for(0.99)
    assert up == approx(found.genuine.ended[: last + 1].sum())
    assert down == approx(-found.cat_poster.ended[: last + 1].sum())


def test_a_long_interview_is_drawn_in_groups():
    figure = figure_of(vet(Interview(questions=questions_for(["self"], {"p0": 0.45}))))
    right = figure.axes[1]
    assert "in groups of" in right.get_xlabel()
    assert len(right.patches) <= 4 * (41 + 1)


def test_numbers_that_can_be_set_are_those_of_a_question():
    assert set(NUMBERS) < set(Question.model_fields)
