"""The statements of the model page that hold in this version, and how each goes away without its mechanism.

The measuring is in ``sim.study.patterns``; docs/validation.md has the numbers and says what does not hold yet and why.
The claims are written down here by hand, so that one that stops holding fails a test.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sim.study import patterns
from sim.study.analysis import interval
from sim.study.patterns import Estimate, Finding

HOLDS: dict[int, set[str]] = {
    1: {
        "professed alignment does not matter",
        "practised alignment matters",
        "practised alignment works mostly through trust",
    },
    2: {"communication keeps trust up", "trust keeps communication up"},
    3: {
        "monitoring cost falls with trust",
        "with partners of low integrity, blind faith destroys value",
        "with trusting, sound partners, control beyond the optimum destroys more value than it costs",
        "less than the optimum is worse",
        "more than the optimum is worse",
    },
    4: {
        "trust is worth something through adaptation",
        "it vanishes as ν goes to 0",
        "it grows with the rate of contingencies",
        "it grows as the contract covers less",
        "market shocks leave its marginal value alone and blur its correlation",
    },
    5: {
        "at once it pays",
        "later it costs more than it saved",
        "the loss works through communication",
        "communication falls after ties",
        "trust falls after communication",
        "a party's own optimum is below the joint one",
    },
    6: {
        "low-chemistry alliances do not go the extra mile",
        "they comply",
        "they seldom exceed the plan",
        "turnover of people raises the hazard of ending",
    },
    7: {"equal fault histories diverge by framing alone"},
    10: {"sessions pay when ε exceeds relapse", "they work through practised values"},
    11: {
        "the clash alone causes a write-off",
        "the crash alone causes a write-off",
        "each has its share: the clash's",
    },
    12: {"disappointment comes and passes", "trust dips, unless expectations are managed"},
}
"""Claims whose effect is as expected and gone without its mechanism."""

OPEN: dict[int, set[str]] = {
    2: {"trust comes to have two humps", "value has two humps because of the loop"},
    3: {"the optimum is interior with sound partners too"},
    5: {"the loss works through trust, its last link"},
    6: {"also by the trust in people that is lost"},
    7: {"alliances with hard talks end with more trust than silent ones without problems"},
    10: {"they do not pay far below relapse"},
    11: {"with neither, most goodwill stays on the books"},
    12: {
        "the extra mile dips, unless expectations are managed",
        "a honeymoon: few leave at first",
        "most fall short of what was expected",
        "the best reap large rewards: values are skewed to the right",
        "the worst drain",
    },
}
"""Claims that do not hold yet, or hold whether or not their mechanism is there: docs/validation.md."""


@pytest.mark.slow
@pytest.mark.parametrize("number", patterns.STATEMENTS)
def test_a_statement_holds_and_goes_away_without_its_mechanism(number: int) -> None:
    findings = {finding.claim: finding for finding in patterns.STATEMENTS[number](patterns.SEED, patterns.REPLICATES)}
    assert set(findings) == HOLDS[number] | OPEN.get(number, set()), "each claim is either held or open"
    for claim in sorted(HOLDS[number]):
        finding = findings[claim]
        assert finding.holds, f"{claim}: {finding.effect}, expected within {finding.expected}"
        assert finding.goes_away, f"{claim}: still {finding.off_effect} with {finding.off}"


def test_each_held_statement_has_a_switch() -> None:
    """Cheap: two replicates are enough to see how the findings are made."""
    for number, findings in ((1, patterns.statement_1), (7, patterns.statement_7), (10, patterns.statement_10)):
        switched = {finding.claim for finding in findings(patterns.SEED, 2) if finding.off}
        assert HOLDS[number] <= switched


@pytest.mark.parametrize("settings", [{}, {"hard_talk_gain": 0.0}])
def test_the_two_framings_meet_the_very_same_problems(settings: dict[str, float]) -> None:
    well, badly = patterns.framings(patterns.SEED, 5, **settings)
    assert (well.alliances.problems == badly.alliances.problems).all()
    assert well.alliances.problems.min() > 0


# ---------------------------------------------------------------------------------------------------------------
# The null
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_the_null_does_some_of_it_too_and_some_of_it_not() -> None:
    hump, age, framing = patterns.null_findings(patterns.SEED, patterns.REPLICATES)
    for finding in (hump, age, framing):
        assert finding.holds, f"{finding.claim}: {finding.effect}"
    for finding in (hump, age):
        assert finding.off_effect is not None
        assert finding.off_effect.within(finding.expected), f"{finding.claim}: {finding.off_effect}"
    assert framing.goes_away


def test_the_null_s_trust_is_the_mean_of_its_belief() -> None:
    """Nobody ever fails: after t good months the belief Beta(16 + t, 4) has mean (16 + t)/(20 + t)."""
    lives = patterns.null_model(1, 2, 3, 12, kinds=(1e9, 1e-3))
    months = np.arange(13)
    np.testing.assert_allclose(lives.trust, np.broadcast_to((16 + months) / (20 + months), (2, 3, 13)))
    assert (lives.ended == 0).all()


def test_the_null_s_partners_leave_in_the_first_month_below_the_threshold() -> None:
    """Nobody ever delivers: 16/(20 + t) falls below one half in month 13, and that is the last that is seen."""
    lives = patterns.null_model(1, 2, 3, 24, kinds=(1e-3, 1e9))
    assert (lives.ended == 13).all()
    assert not np.isnan(lives.trust[..., :14]).any()
    assert np.isnan(lives.trust[..., 14:]).all()


def test_a_null_in_which_nobody_would_begin_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves_below"):
        patterns.null_model(prior=(1.0, 1.0), leaves_below=0.5)


# ---------------------------------------------------------------------------------------------------------------
# The instruments
# ---------------------------------------------------------------------------------------------------------------
def test_the_jackknife_of_a_mean_is_the_t_interval() -> None:
    sample = np.random.default_rng(patterns.SEED).normal(size=40)
    jackknifed = patterns.jackknife(float, sample)
    assert (jackknifed.value, jackknifed.low, jackknifed.high) == pytest.approx(interval(sample)[:3])


@pytest.mark.parametrize(
    ("effect", "off", "gone"),
    [
        (1.0, Estimate(0.0, -0.1, 0.1), True),
        (1.0, Estimate(0.2, 0.1, 0.3), False),  # its interval goes beyond a quarter
        (1.0, Estimate(-3.0, -4.0, -2.0), True),  # reversed
        (-1.0, Estimate(3.0, 2.0, 4.0), True),
        (-1.0, Estimate(-0.5, -0.6, -0.4), False),
        (1.0, None, True),  # nothing to switch off
    ],
)
def test_an_effect_is_gone_when_a_quarter_or_less_is_left_or_it_is_reversed(
    effect: float, off: Estimate | None, gone: bool
) -> None:
    assert Finding(1, "c", "m", Estimate(effect, effect, effect), off_effect=off).goes_away is gone


def test_the_whole_interval_must_lie_within_the_limits() -> None:
    assert Estimate(0.1, 0.05, 0.15).within((0.0, math.inf))
    assert not Estimate(0.1, -0.05, 0.25).within((0.0, math.inf))
    assert not Estimate(0.1, math.nan, math.nan).within((0.0, math.inf))
    assert Estimate(0.0, 0.0, 0.0).within((0.0, 1.0)), "an exact number may lie on the limit"


def test_a_statement_holds_partly_when_some_claims_do() -> None:
    good = Finding(1, "c", "m", Estimate(1.0, 0.9, 1.1))
    bad = Finding(1, "c", "m", Estimate(0.0, -0.1, 0.1))
    assert [patterns.verdict(them) for them in ([good], [good, bad], [bad])] == ["holds", "partly", "not yet"]


def test_sarle_s_coefficient_tells_two_humps_from_one() -> None:
    random = np.random.default_rng(patterns.SEED)
    one = random.normal(size=(1, 20_000))
    two = one + 6.0 * (random.random((1, 20_000)) < 0.5)
    assert patterns.sarle(one)[0] < patterns.BIMODAL < patterns.sarle(two)[0]
    assert patterns.sarle(random.random((1, 200_000)))[0] == pytest.approx(patterns.BIMODAL, abs=0.005)


@pytest.mark.parametrize(("peak", "found"), [(0.7, 0.7), (-5.0, 0.2), (9.0, 1.2)])
def test_the_optimum_is_where_the_parabola_peaks_within_the_levels(peak: float, found: float) -> None:
    assert patterns.optimum(-((np.array(patterns.LEVELS) - peak) ** 2)) == pytest.approx(found)


def test_ending_between_two_months_is_counted_per_month_lived_in_them() -> None:
    result = patterns.run(patterns.SEED, 5)
    whole = patterns.ended_between(result, 1, result.scenario.months)
    np.testing.assert_allclose(whole, patterns.hazard(result))


def test_the_table_is_put_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{patterns.FIRST_LINE}\nstale row\n{patterns.LAST_LINE}\nafter\n", encoding="utf-8")
    lines = list(patterns.table({1: [Finding(1, "claim", "measured", Estimate(1.0, 0.9, 1.1))]}))
    patterns.write(page, lines)
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{patterns.FIRST_LINE}\n| | claim |")
    assert written.endswith(f"{patterns.LAST_LINE}\nafter\n")
    assert "stale row" not in written
    assert "1.00 [0.90, 1.10]" in written


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="no lines"):
        patterns.write(page, ["a line"])
    assert page.read_text(encoding="utf-8") == "nothing"
