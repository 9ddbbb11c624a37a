"""The twelve statements of the model page, and how each goes away without its mechanism.

The measuring is in ``sim.study.patterns``; docs/validation.md has the numbers. The claims are written down here by
hand, so that one that is dropped or loses its switch fails a test.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.study import null, pages, patterns
from sim.study.analysis import interval
from sim.study.effects import REMAINS, Estimate, Finding, jackknife, verdict

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


def findings_of(number: int) -> dict[str, Finding]:
    """The findings of a statement by claim, at the seed and the number of replicates of docs/validation.md."""
    return {finding.claim: finding for finding in patterns.STATEMENTS[number](patterns.SEED, patterns.REPLICATES)}


@pytest.mark.slow
@pytest.mark.parametrize("number", patterns.STATEMENTS)
def test_a_statement_holds_and_is_red_without_its_mechanism(number: int) -> None:
    findings = findings_of(number)
    assert {claim: bool(finding.off) for claim, finding in findings.items()} == HOLDS[number]
    assert any(HOLDS[number].values()), "every statement has a mechanism that can be switched off"
    for claim, finding in findings.items():
        assert finding.holds, f"{claim}: {finding.effect}, expected within {finding.expected}"
        assert finding.goes_away, f"{claim}: still {finding.off_effect} with {finding.off}"
        if finding.off_effect is not None and math.isnan(finding.gone[0]):
            without = replace(finding, effect=finding.off_effect, expected=of_some_size(finding))
            assert not without.holds, f"{claim}: the same test is green without its mechanism"


def of_some_size(finding: Finding) -> tuple[float, float]:
    """The range of effects that have the right sign and more than the quarter that may remain of this one."""
    least = REMAINS * finding.effect.value
    return (least, math.inf) if least > 0.0 else (-math.inf, least)


def test_all_twelve_statements_are_here() -> None:
    assert sorted(HOLDS) == sorted(patterns.STATEMENTS) == list(range(1, 13))


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
    sample = np.random.default_rng(patterns.SEED).normal(size=40)
    jackknifed = jackknife(float, sample)
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
    assert [verdict(them) for them in ([good], [good, bad], [bad])] == ["holds", "partly", "not yet"]


def test_the_valley_tells_two_humps_from_one() -> None:
    random = np.random.default_rng(patterns.SEED)
    one = np.clip(0.5 + 0.1 * random.normal(size=(50, 400)), 0.0, 1.0)
    two = np.clip(one + np.where(random.random((50, 400)) < 0.5, 0.3, -0.2), 0.0, 1.0)
    assert patterns.valley(one, 1).value < 0.02
    assert patterns.valley(two, 1).low > 0.3
    assert patterns.valley(two, 1) == patterns.valley(two, 1)


@pytest.mark.parametrize(("peak", "found"), [(0.7, 0.7), (-5.0, 0.2), (9.0, 1.2)])
def test_the_optimum_is_where_the_parabola_peaks_within_the_levels(peak: float, found: float) -> None:
    assert patterns.optimum(-((np.array(patterns.LEVELS) - peak) ** 2)) == pytest.approx(found)


def test_ending_between_two_months_is_counted_per_month_lived_in_them() -> None:
    result = patterns.run(patterns.SEED, 5)
    whole = patterns.ended_between(result, 1, result.scenario.months)
    np.testing.assert_allclose(whole, patterns.hazard(result))


def test_the_table_is_put_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, mark = tmp_path / "page.md", pages.mark(patterns.MEASURED)
    page.write_text(f"before\n{mark}\nstale row\n{pages.END}\nafter\n", encoding="utf-8")
    found = {1: [Finding(1, "claim", "measured", Estimate(1.0, 0.9, 1.1))]}
    monkeypatch.setattr(patterns, "measure", lambda: found)
    patterns.main(["--write", str(page)])
    written = page.read_text(encoding="utf-8")
    assert written.startswith(f"before\n{mark}\n\n| | claim |")
    assert written.endswith(f"{pages.END}\nafter\n")
    assert "stale row" not in written
    assert "1.00 [0.90, 1.10]" in written


def test_the_page_of_the_statements_has_the_block_that_is_filled() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "validation.md"
    assert pages.names(page.read_text(encoding="utf-8")) == [patterns.MEASURED]
