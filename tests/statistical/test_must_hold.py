"""The twelve statements of the model page, and how each goes away without its mechanism.

The measuring is in ``sim.study.patterns``; docs/validation.md has the numbers. The claims are written down here by
hand, so that one that is dropped or loses its switch fails a test.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sim.dynamics.state import DISAPPOINTMENT, DISTRUST
from sim.intervals import STUDENT, Interval, exact, mean_of, ratio_of
from sim.study import null, pages
from sim.study.effects import REPLICATES, SEED, hazard_of_failing, jackknife, run
from sim.study.patterns import AGAINST_NULL, STATEMENTS, page
from sim.study.patterns.claims import REMAINS, Claim, Finding, verdict
from sim.study.patterns.communication import framings, valley
from sim.study.patterns.relations import LEVELS, optimum

HOLDS: dict[int, dict[str, bool]] = {
    1: {
        "professed alignment does not matter": True,
        "practised alignment matters": True,
        "practised alignment works through trust": True,
        "and mostly through trust": False,
    },
    2: {
        "communication keeps trust up": True,
        "trust keeps communication up": True,
        "trust comes to have two humps": True,
    },
    3: {
        "monitoring cost falls with trust": True,
        "with partners of low integrity, blind faith destroys value": True,
        "with trusting, sound partners, control beyond the optimum destroys more value than it costs": True,
        "less than the optimum is worse": True,
        "more than the optimum is worse": False,
    },
    4: {
        "trust is worth something through adaptation": True,
        "it vanishes as ν goes to 0": True,
        "it grows with the rate of contingencies": True,
        "it grows as the contract covers less": True,
        "market shocks leave its marginal value alone and blur its correlation": True,
    },
    5: {
        "at once it pays": True,
        "later it costs more than it saved": True,
        "the loss works through communication": True,
        "most of the loss passes through trust, its last link": False,
        "communication falls after ties": False,
        "trust falls after communication": False,
        "a party's own optimum is below the joint one": True,
    },
    6: {
        "low-chemistry alliances do not go the extra mile": True,
        "they comply": False,
        "they seldom exceed the plan": True,
        "turnover of people raises the hazard of ending": True,
        "also by the trust in people that is lost": False,
    },
    7: {
        "equal fault histories diverge by framing alone": True,
        "alliances with hard talks end with more trust than silent ones without problems": True,
    },
    8: {
        "a good name earns more alliances; with nothing observable, reputation has no effect at all": True,
        "a good name earns cheaper alliances; with nothing observable, reputation has no effect at all": True,
    },
    9: {
        "stopped after three questions, vetting lets more bad matches in": True,
        "self-ratings alone do hardly better than chance": True,
    },
    10: {
        "sessions pay when ε exceeds relapse": True,
        "they work through practised values": True,
        "they do not pay far below relapse": False,
    },
    11: {
        "the clash alone causes a write-off": True,
        "the crash alone causes a write-off": True,
        "each has its share: the clash's": False,
    },
    12: {
        "a honeymoon: few leave at first": True,
        "then disappointment, which passes; managing expectations removes it": True,
        "managing expectations spares the trust that disappointment costs": True,
        "and the effort that it drains": True,
        "most fall short of what was expected": True,
        "the best reap large rewards: values are skewed to the right": True,
        "the worst drain": True,
    },
}
"""The claims of each statement, and whether a claim has a mechanism of its own that is switched off."""


def test_the_claims_are_those_written_down_here() -> None:
    assert {number: {claim.text: bool(claim.off) for claim in claims} for number, claims in STATEMENTS.items()} == HOLDS
    assert sorted(HOLDS) == list(range(1, 13))


@pytest.mark.parametrize("number", STATEMENTS)
def test_every_statement_has_a_mechanism_that_is_switched_off(number: int) -> None:
    assert any(claim.without or claim.counterpart for claim in STATEMENTS[number])
    for claim in STATEMENTS[number]:
        assert bool(claim.off) == bool(claim.without or claim.counterpart), claim.text


@pytest.mark.slow
@pytest.mark.parametrize("number", STATEMENTS)
def test_a_statement_holds_and_is_red_without_its_mechanism(number: int) -> None:
    for claim in STATEMENTS[number]:
        finding = claim.tested(SEED, REPLICATES)
        assert finding.holds, f"{claim.text}: {finding.effect}, expected within {claim.expected}"
        assert finding.goes_away, f"{claim.text}: still {finding.off_effect} with {claim.off}"
        if finding.off_effect is not None and claim.gone is None:
            still_there = finding.off_effect.within(of_some_size(finding))
            assert not still_there, f"{claim.text}: the same test is green without its mechanism"


def of_some_size(finding: Finding) -> tuple[float, float]:
    """The range of effects that have the right sign and more than the quarter that may remain of this one."""
    least = REMAINS * finding.effect.estimate
    return (least, math.inf) if least > 0.0 else (-math.inf, least)


@pytest.mark.parametrize("settings", [{}, {"hard_talk_gain": 0.0}])
def test_the_two_framings_meet_the_very_same_problems(settings: dict[str, float]) -> None:
    well, badly = framings(SEED, 5, **settings)
    assert (well.alliances.problems == badly.alliances.problems).all()
    assert well.alliances.problems.min() > 0


# ---------------------------------------------------------------------------------------------------------------
# The null
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_the_null_does_some_of_it_too_and_some_of_it_not() -> None:
    hump, age, framing = (claim.tested(SEED, REPLICATES) for claim in AGAINST_NULL)
    for finding in (hump, age, framing):
        assert finding.holds, f"{finding.claim.text}: {finding.effect}"
    for finding in (hump, age):
        assert page.beside_null(finding) == "the null does it too: no evidence", f"{finding.claim.text}"
    assert page.beside_null(framing) == "not in the null"
    assert framing.goes_away


def test_the_null_s_trust_is_the_mean_of_its_belief() -> None:
    """Nobody ever fails: after t good months the belief Beta(16 + t, 4) has mean (16 + t)/(20 + t)."""
    lives = null.null_model(1, 2, 3, 12, kinds=(1e9, 1e-3))
    months = np.arange(13)
    np.testing.assert_allclose(lives.trust, np.broadcast_to((16 + months) / (20 + months), (2, 3, 13)))
    assert (lives.ended == 0).all()


def test_the_null_s_partners_leave_in_the_first_month_below_the_threshold() -> None:
    """Nobody ever delivers: 16/(20 + t) falls below one half in month 13, and that is the last that is seen."""
    lives = null.null_model(1, 2, 3, 24, kinds=(1e-3, 1e9))
    assert (lives.ended == 13).all()
    assert not np.isnan(lives.trust[..., :14]).any()
    assert np.isnan(lives.trust[..., 14:]).all()


def test_a_null_in_which_nobody_would_begin_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves_below"):
        null.null_model(prior=(1.0, 1.0), leaves_below=0.5)


# ---------------------------------------------------------------------------------------------------------------
# The instruments
# ---------------------------------------------------------------------------------------------------------------
def test_the_jackknife_of_a_mean_is_the_t_interval() -> None:
    sample = np.random.default_rng(SEED).normal(size=40)
    jackknifed, t = jackknife(float, sample), mean_of(sample)
    assert (jackknifed.estimate, jackknifed.low, jackknifed.high) == pytest.approx((t.estimate, t.low, t.high))


def test_a_ratio_is_jackknifed_as_any_other_statistic() -> None:
    top, bottom = np.random.default_rng(SEED).normal(5.0, 1.0, size=(2, 40))
    general = jackknife(lambda m: float(m[0] / m[1]), np.stack([top, bottom], axis=-1))
    special = ratio_of(top, bottom)
    assert (special.estimate, special.low, special.high) == pytest.approx((general.estimate, general.low, general.high))


def of_ends(value: float, low: float, high: float) -> Interval:
    """A t interval over nine replicates."""
    return Interval(value, low, high, 9, STUDENT)


ANY = Claim("c", "m", lambda seed, replicates, **settings: of_ends(1.0, 0.9, 1.1))
"""A claim that an effect is above zero."""


@pytest.mark.parametrize(
    ("effect", "off", "gone"),
    [
        (1.0, of_ends(0.0, -0.1, 0.1), True),
        (1.0, of_ends(0.2, 0.1, 0.3), False),  # its interval goes beyond a quarter
        (1.0, of_ends(-3.0, -4.0, -2.0), True),  # reversed
        (-1.0, of_ends(3.0, 2.0, 4.0), True),
        (-1.0, of_ends(-0.5, -0.6, -0.4), False),
        (1.0, None, True),  # nothing to switch off
    ],
)
def test_an_effect_is_gone_when_a_quarter_or_less_is_left_or_it_is_reversed(
    effect: float, off: Interval | None, gone: bool
) -> None:
    assert Finding(ANY, exact(effect), off).goes_away is gone


def test_the_whole_interval_must_lie_within_the_limits() -> None:
    assert of_ends(0.1, 0.05, 0.15).within((0.0, math.inf))
    assert not of_ends(0.1, -0.05, 0.25).within((0.0, math.inf))
    assert not Interval(0.1, n=1).within((0.0, math.inf))
    assert exact(0.0).within((0.0, 1.0)), "an exact number may lie on the limit"


def test_a_statement_holds_partly_when_some_claims_do() -> None:
    good = Finding(ANY, of_ends(1.0, 0.9, 1.1))
    bad = Finding(ANY, of_ends(0.0, -0.1, 0.1))
    assert [verdict(them) for them in ([good], [good, bad], [bad])] == ["holds", "partly", "not yet"]


def test_the_valley_tells_two_humps_from_one() -> None:
    random = np.random.default_rng(SEED)
    one = np.clip(0.5 + 0.1 * random.normal(size=(50, 400)), 0.0, 1.0)
    two = np.clip(one + np.where(random.random((50, 400)) < 0.5, 0.3, -0.2), 0.0, 1.0)
    assert valley(one, 1).estimate < 0.02
    assert valley(two, 1).low > 0.3
    assert valley(two, 1) == valley(two, 1)


@pytest.mark.parametrize(("peak", "found"), [(0.7, 0.7), (-5.0, 0.2), (9.0, 1.2)])
def test_the_optimum_is_where_the_parabola_peaks_within_the_levels(peak: float, found: float) -> None:
    assert optimum(-((np.array(LEVELS) - peak) ** 2)) == pytest.approx(found)


def test_the_hazard_is_endings_by_failure_per_month_lived() -> None:
    result = run(SEED, 5)
    a, months = result.alliances, result.scenario.months
    failed = np.isin(a.cause, (DISTRUST, DISAPPOINTMENT))
    np.testing.assert_allclose(hazard_of_failing(result), failed.sum(1) / a.age.sum(1))
    lived = np.stack([np.minimum(a.age, 24), np.maximum(a.age - 24, 0)]).sum(-1)
    parts = [hazard_of_failing(result, 1, 24), hazard_of_failing(result, 25, months)]
    np.testing.assert_allclose((parts * lived).sum(0), failed.sum(1))


# ---------------------------------------------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------------------------------------------
def test_the_table_is_put_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, mark = tmp_path / "page.md", pages.mark(page.MEASURED)
    written.write_text(f"before\n{mark}\nstale row\n{pages.END}\nafter\n", encoding="utf-8")
    found = {1: [ANY.tested(SEED, REPLICATES)]}
    monkeypatch.setattr(page, "measure", lambda: found)
    page.main(["--write", str(written)])
    text = written.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{mark}\n\n| | claim |")
    assert text.endswith(f"{pages.END}\nafter\n")
    assert "stale row" not in text
    assert "|  | c | m | 1.00 (0.90 to 1.10) |  |  | holds |" in text


def test_a_page_that_cannot_be_filled_is_refused_before_the_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "measure", lambda: pytest.fail("measured in vain"))
    unmarked = tmp_path / "page.md"
    with pytest.raises(FileNotFoundError):
        page.main(["--write", str(unmarked)])
    unmarked.write_text("no marks\n", encoding="utf-8")
    with pytest.raises(ValueError, match="found 0 times"):
        page.main(["--write", str(unmarked)])


def test_the_page_of_the_statements_has_the_block_that_is_filled() -> None:
    shipped = Path(__file__).resolve().parents[2] / "docs" / "validation.md"
    assert pages.names(shipped.read_text(encoding="utf-8")) == [page.MEASURED]
