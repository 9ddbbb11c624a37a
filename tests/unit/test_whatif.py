"""What if: the same past bit for bit, a difference whose ledger adds up, and changes that are what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.dynamics.state import BLAME, CAUSES, LAYERS, WITHOUT
from sim.engine import History, simulate_history
from sim.scenario import Scenario
from sim.study import plots
from sim.study.analysis import signed
from sim.study.plots.whatif import WAY_WORDS
from sim.study.whatif import (
    ALL,
    OUTCOMES_OF_AN_EFFECT,
    START,
    STATES,
    WAYS,
    Added,
    BadChange,
    Change,
    Comparison,
    DidNotHappen,
    Effect,
    KeptAway,
    LeftOut,
    SetFrom,
    check_same_past,
    courses_in_words,
    effect_of,
    happened,
    rounded,
    whatif,
)
from tests.builders import busy, dyad, market

WORLDS: dict[str, Callable[[], Scenario]] = {
    "network": lambda: busy(months=30, trust_exit=0.02, disappointment_exit=0.01),
    "market": lambda: market(months=30, organizations=10),
}
ROUNDING = 1e-12
"""What the ledger may miss: it adds up some hundred numbers below 1 in another order."""


def same_records(a: Any, b: Any) -> bool:
    return bool(a.tobytes() == b.tobytes())


def the_rest(history: History) -> tuple[Any, ...]:
    return history.organizations, history.alliances, history.ledger, history.market


def a_change(kind: str, month: int) -> Change:
    if kind == "added":
        return Added({"kind": "breach", "month": month, "who": 1, "severity": 0.6})
    if kind == "trait":
        return SetFrom(month, "monitoring", 2.0)
    if kind == "parameter":
        return SetFrom(month, "trust_gain", 0.2)
    return KeptAway(kind, month, 30)


# ---------------------------------------------------------------------------------------------------------------
# The same past
# ---------------------------------------------------------------------------------------------------------------
@given(
    st.sampled_from(sorted(WORLDS)),
    st.sampled_from([*WITHOUT, "added", "trait", "parameter"]),
    st.integers(1, 30),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40)
def test_the_past_is_the_same_bit_for_bit_and_the_ledger_adds_up(
    world: str, kind: str, month: int, seed: int, replicate: int
) -> None:
    scenario = WORLDS[world]()
    try:
        found = whatif(scenario, seed, replicate, [a_change(kind, month)], ALL)
    except DidNotHappen:
        assert not [when for when in happened(simulate_history(scenario, seed, replicate), kind) if when >= month]
        return
    alone = simulate_history(scenario, seed, replicate)
    assert all(same_records(a, b) for a, b in zip(the_rest(found.factual), the_rest(alone), strict=True))
    count = int((alone.alliances[month - 1]["exists"] == 1).sum())
    for other in (found.counterfactual, found.held):
        assert same_records(alone.organizations[:month], other.organizations[:month])
        assert same_records(alone.alliances[:month, :count], other.alliances[:month, :count])
        assert same_records(alone.ledger[: month - 1, :count], other.ledger[: month - 1, :count])
        assert same_records(alone.market[:month], other.market[:month])
    for at in (month, (month + 30) // 2, 30):
        adds_up(found, at)
        mean_adds_up(found, at)


def adds_up(found: Comparison, month: int) -> None:
    """For every alliance that is formed by then in both worlds."""
    table = found.table()
    rows = table[table["month"] == month]
    for match in found.matches:
        if match.factual is None or match.counterfactual is None or match.formed > month:
            continue
        wanted = float(rows[rows["alliance"] == match.factual]["trust_difference"].iloc[0])
        ledger = found.ledger_difference(match.factual, month)
        assert abs(ledger["total"].sum() - wanted) < ROUNDING
        parts = ledger[["at_once", "through_communication", "later"]]
        if not parts.isna().any(axis=None):
            assert np.allclose(parts.sum(axis=1), ledger["total"], rtol=0.0, atol=ROUNDING)


def mean_adds_up(found: Comparison, month: int) -> None:
    futures = found.futures()
    wanted = futures[futures["month"] == month]["trust_difference"]
    if len(wanted):
        assert abs(found.ledger_difference(month=month)["total"].sum() - float(wanted.iloc[0])) < ROUNDING


@pytest.mark.parametrize("kind", WITHOUT)
def test_what_is_kept_away_does_not_happen_and_nothing_else_is_changed_that_month(kind: str) -> None:
    """In the month itself the chances are the same, so that other alliances of a network live through the same."""
    scenario = busy(months=48, reputation_visibility=0.0)
    history = simulate_history(scenario, 3)
    number = next(k for k in range(1, history.alliances.shape[1] + 1) if happened(history, kind, k))
    found = whatif(scenario, 3, 0, [KeptAway(kind)], number)
    month = found.first_month
    assert month == happened(history, kind, number)[0]
    assert month not in happened(found.counterfactual, kind, number)
    others = [k for k in range(history.alliances.shape[1]) if k != number - 1]
    assert same_records(found.factual.alliances[:, others], found.counterfactual.alliances[:, others])
    assert found.others_changed() == []


def test_a_kept_away_blame_is_missing_from_the_ledger_of_its_month_by_what_it_cost() -> None:
    scenario = busy(months=36)
    history = simulate_history(scenario, 5)
    number = next(k for k in range(1, history.alliances.shape[1] + 1) if happened(history, "blame", k))
    found = whatif(scenario, 5, 0, [KeptAway("blame")], number)
    month = found.first_month
    cost = history.ledger[month - 1, number - 1, :, LAYERS.index("effective"), CAUSES.index("blame")].mean()
    at_once = found.ledger_difference().set_index("cause")["at_once"]
    assert cost < 0.0
    assert at_once["blame"] == -cost
    assert (history.alliances[month, number - 1]["talk"] == BLAME).any()


def test_a_range_is_kept_away_as_a_whole_also_where_it_would_newly_happen() -> None:
    found = whatif(busy(months=48), 2, 0, [KeptAway("festering", 5, 30)], ALL)
    assert not set(range(5, 31)) & set(happened(found.counterfactual, "festering"))
    assert set(range(5, 31)) & set(happened(found.factual, "festering"))


def test_histories_that_differ_before_the_change_are_refused() -> None:
    one, other = (simulate_history(busy(months=12), seed) for seed in (1, 2))
    check_same_past(one, simulate_history(busy(months=12), 1), 12)
    with pytest.raises(RuntimeError, match="differ before month 7"):
        check_same_past(one, other, 7)


def test_one_bit_is_enough_to_be_another_past() -> None:
    one, other = simulate_history(busy(months=12), 1), simulate_history(busy(months=12), 1)
    other.alliances["communication"][5, 0] = np.nextafter(other.alliances["communication"][5, 0], 2.0)
    check_same_past(one, other, 5)
    with pytest.raises(RuntimeError):
        check_same_past(one, other, 6)


# ---------------------------------------------------------------------------------------------------------------
# Each change is what it says
# ---------------------------------------------------------------------------------------------------------------
SCANDAL = {"name": "scandal", "month": 6, "kind": "breach", "who": 2, "severity": 0.4}


def test_an_event_left_out_is_the_scenario_without_it() -> None:
    found = whatif(dyad([SCANDAL]), changes=[LeftOut("scandal")])
    without = simulate_history(dyad())
    assert same_records(found.counterfactual.alliances, without.alliances)
    assert found.first_month == 6


def test_an_event_added_is_the_scenario_with_it() -> None:
    event = {key: value for key, value in SCANDAL.items() if key != "name"}
    found = whatif(dyad(), changes=[Added(event)])
    assert same_records(found.counterfactual.alliances, simulate_history(dyad([SCANDAL])).alliances)
    ledger = found.ledger_difference().set_index("cause")
    assert ledger.loc["breach", "at_once"] == pytest.approx(float(found.futures()["trust_difference"][6]), abs=0.05)
    assert ledger.loc["breach", "total"] < 0.0


def test_two_events_of_one_kind_and_month_get_names_of_their_own() -> None:
    row = {"kind": "breach", "month": 6, "severity": 0.1}
    found = whatif(dyad(), changes=[Added({**row, "who": 1}), Added({**row, "who": 2})])
    assert [event.name for event in found.counterfactual.scenario.events] == ["breach@6", "breach@6 (2)"]


def test_a_trait_set_from_a_month_on_is_a_change_of_that_month() -> None:
    found = whatif(dyad(), changes=[SetFrom(5, "a.blame", 1.0), SetFrom(5, "shirk_rate", 0.5)])
    traits = found.counterfactual.organizations["blame"]
    assert (traits[4], traits[5].tolist()) == (pytest.approx([0.0, 0.0]), [1.0, 0.0])


def test_parameters_hold_from_their_months_on_and_add_up() -> None:
    """Two months without, two with a larger gain; a dyad in which nothing happens learns by delivery only."""
    changes = [SetFrom(5, "trust_gain", 0.1), SetFrom(3, "people_rate", 0.0), SetFrom(8, "trust_gain", 0.0)]
    found = whatif(dyad(), changes=changes)
    delivery = found.counterfactual.ledger[:, 0, 0, 0, CAUSES.index("delivery")]
    was = found.factual.ledger[:, 0, 0, 0, CAUSES.index("delivery")]
    assert found.first_month == 3
    assert np.array_equal(delivery[:2], was[:2])
    assert delivery[4] > 1.5 * was[4]
    assert (delivery[7:] == 0.0).all()
    assert (found.counterfactual.ledger[2:, 0, 0, 0, CAUSES.index("people")] == 0.0).all()


def test_without_communication_in_play_nothing_comes_through_it() -> None:
    """Where a scenario holds communication fixed, the third run is the second one."""
    found = whatif(busy(months=36, clamp_communication=True), 1, 0, [SetFrom(6, "trust_gain", 0.2)], 1)
    ledger = found.ledger_difference()
    assert (ledger["through_communication"] == 0.0).all()
    assert ledger["total"].abs().max() > 0.01


def test_held_communication_is_what_it_was() -> None:
    found = whatif(busy(months=36), 1, 0, [SetFrom(6, "trust_gain", 0.2)], ALL)
    assert np.array_equal(found.held.alliances["communication"][6:], found.factual.alliances["communication"][6:])
    assert not np.array_equal(found.counterfactual.alliances["communication"], found.factual.alliances["communication"])
    assert found.ledger_difference()["through_communication"].abs().max() > 0.0


# ---------------------------------------------------------------------------------------------------------------
# Mistakes
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([], "nothing is changed"),
        ([KeptAway("gossip", 3)], "'gossip' cannot be kept away"),
        ([KeptAway("blame", 0)], "out of range: from 1 to 12"),
        ([KeptAway("blame", 9, 13)], "out of range: from 1 to 12"),
        ([KeptAway("blame", 9, 8)], "first month is after the last"),
        ([LeftOut("scandle")], "no such event; dyad has: scandal (breach@6)"),
        ([Added({"kind": "breach", "month": 6, "severity": 2.0})], "severity: 2 is out of range: from 0 to 1"),
        ([Added({"kind": "breach", "month": 60, "severity": 0.5})], "month: 60 is out of range"),
        ([Added({"kind": "breach", "month": 6, "who": "c", "severity": 0.5})], "who: 'c' is nobody here"),
        ([SetFrom(0, "trust_gain", 0.1)], "month 0 is out of range"),
        ([SetFrom(2, "trust_gian", 0.1)], "did you mean 'trust_gain'"),
        ([SetFrom(2, "trust_gain", 7.0)], "7 is out of range"),
        ([SetFrom(2, "a.trust_gain", 0.1)], "is no parameter and no trait"),
        ([SetFrom(2, "monitoring", -1.0)], "--set-from 2 monitoring=-1.0: -1 is out of range"),
        ([SetFrom(2, "professed", 0.5)], "each of six dimensions"),
        ([SetFrom(2, "trust_gain", 0.1), SetFrom(2, "trust_gain", 0.2)], "--set-from 2 trust_gain: is set twice"),
    ],
)
def test_a_change_that_cannot_be_is_refused_in_one_line(changes: list[Change], said: str) -> None:
    with pytest.raises(BadChange) as refused:
        whatif(dyad([SCANDAL]), changes=changes)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_switch_is_written_as_it_is_typed() -> None:
    changes = [SetFrom(4, "clamp_trust", True), Added({"kind": "breach", "month": 6, "enabled": False})]
    assert [str(change) for change in changes] == ["--set-from 4 clamp_trust=true", "--with breach@6:enabled=false"]
    assert [change.words() for change in changes] == [
        "with clamp_trust=true from month 4 on",
        "with breach@6:enabled=false",
    ]


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(BadChange) as refused:
        whatif(dyad(), changes=[KeptAway("gossip", 3), SetFrom(99, "trust_gain", 0.1)])
    assert len(str(refused.value).splitlines()) == 2


def test_an_event_that_is_switched_off_cannot_be_left_out() -> None:
    with pytest.raises(BadChange, match="switched off"):
        whatif(dyad([{**SCANDAL, "enabled": False}]), changes=[LeftOut("scandal")])


def test_what_did_not_happen_names_the_months_in_which_it_did() -> None:
    scenario = busy(months=48)
    history = simulate_history(scenario, 3)
    number = next(k for k in range(1, history.alliances.shape[1] + 1) if len(happened(history, "blame", k)) > 1)
    when = happened(history, "blame", number)
    never = next(month for month in range(1, 49) if month not in when)
    with pytest.raises(DidNotHappen) as refused:
        whatif(scenario, 3, 0, [KeptAway("blame", never)], number)
    assert all(str(month) in str(refused.value) for month in when)
    with pytest.raises(DidNotHappen, match="blame never happened in alliance 1"):
        whatif(dyad(), changes=[KeptAway("blame")])


@pytest.mark.parametrize("number", [0, 2])
def test_an_alliance_that_there_is_not_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"alliance {number}: this history has 1"):
        whatif(dyad([SCANDAL]), changes=[LeftOut("scandal")], alliance=number)


def test_a_month_before_the_change_has_no_difference_to_take_apart() -> None:
    found = whatif(dyad([SCANDAL]), changes=[LeftOut("scandal")])
    with pytest.raises(ValueError, match="months 6 to 12"):
        found.ledger_difference(month=5)


# ---------------------------------------------------------------------------------------------------------------
# Markets
# ---------------------------------------------------------------------------------------------------------------
def changed_market() -> Comparison:
    """A market in which the two worlds form different alliances."""
    return whatif(market(months=40), 4, 0, [Added({"kind": "breach", "month": 10, "severity": 0.9})], ALL)


def test_in_a_market_alliances_are_matched_by_partners_and_month() -> None:
    found = changed_market()
    assert found.only_as_it_was()
    assert found.only_otherwise()
    for match in found.matches:
        for history, number in ((found.factual, match.factual), (found.counterfactual, match.counterfactual)):
            if number is not None:
                tie = history.alliances[-1, number - 1]
                assert (tuple(tie.org), tie.formed) == (match.partners, match.formed)
    worlds = [found.factual.alliances.shape[1], found.counterfactual.alliances.shape[1]]
    both = sum(match.factual is not None and match.counterfactual is not None for match in found.matches)
    assert [len(found.only_as_it_was()) + both, len(found.only_otherwise()) + both] == worlds
    assert {match.formed for match in found.only_as_it_was()} <= set(range(10, 41))


def test_an_alliance_that_would_never_be_formed_has_no_future_there() -> None:
    found = changed_market()
    never = found.only_as_it_was()[0]
    assert never.factual is not None
    table = found.table(never.factual)
    assert table["trust_otherwise"].isna().all()
    assert (table["alive_otherwise"] == 0.0).all()
    assert table["trust"][never.formed :].notna().all()
    with pytest.raises(ValueError, match="not formed in both worlds"):
        found.ledger_difference(never.factual)
    told = whatif(market(months=40), 4, 0, [Added({"kind": "breach", "month": 10, "severity": 0.9})], never.factual)
    assert told.sentence().endswith("would never have been formed")


def test_another_start_is_a_cause_where_both_worlds_sign_the_same_two_later() -> None:
    """Where nobody chooses by reputation, most of the same alliances are formed, from another start of trust."""
    blind = market(months=40, appeal_reputation=0.0, appeal_memory=0.0, vetting=0)
    breach = Added({"kind": "breach", "month": 10, "who": 1, "severity": 0.1})
    found = whatif(blind, 3, 0, [breach], ALL)
    later = [m for m in found.matches if m.formed > 10 and m.factual is not None and m.counterfactual is not None]
    starts = [found.ledger_difference(match.factual).set_index("cause").loc[START, "total"] for match in later]
    assert len(starts) > 20
    assert np.abs(starts).max() > 0.0
    adds_up(found, 40)


def test_what_is_not_known_is_neither_told_nor_drawn_as_nothing() -> None:
    """The third run forms other alliances, so that nobody can say what comes through communication."""
    watched = [SetFrom(6, "monitoring", 2.0)]
    worlds = (whatif(market(months=40), seed, 0, watched, ALL) for seed in range(1, 9))
    found = next(world for world in worlds if world.ledger_difference()["later"].isna().all())
    ledger = found.ledger_difference()
    shown = rounded(ledger)["total"].sum()
    at_once = rounded(ledger)["at_once"].sum()
    assert f"{signed(at_once, 3)} at once, in month 6 and {signed(shown - at_once, 3)} afterwards." in found.sentence()
    assert "talked" not in found.sentence()
    bars = figure_bars(plots.whatif(found))
    assert set(WAY_WORDS) & set(bars) == {WAY_WORDS[0]}


def test_a_mean_names_the_alliances_that_it_is_of() -> None:
    found = changed_market()
    assert f"the mean trust of the {len(found.in_both())} alliances that are formed in both worlds" in found.sentence()
    network = whatif(busy(months=12), 1, 0, [SetFrom(4, "blame", 1.0)], ALL)
    assert f"the mean trust of all {network.factual.alliances.shape[1]} alliances would" in network.sentence()
    assert (
        "the mean trust of the one alliance would" in whatif(dyad(), 1, 0, [SetFrom(4, "blame", 1.0)], ALL).sentence()
    )
    four = whatif(busy(months=12, organizations=4, partners=1), 1, 0, [SetFrom(4, "blame", 1.0)], ALL)
    assert "the mean trust of both alliances would" in four.sentence()
    more = whatif(market(months=12, organizations=6), 5, 0, [SetFrom(2, "search_rate", 1.0)], ALL)
    assert len(more.in_both(2)) == 1
    assert "the mean trust of the one alliance that is formed in both worlds would" in more.sentence(2)


def nobody_searches() -> Scenario:
    return market(months=12, organizations=6, search_rate=0.0)


def test_a_history_without_an_alliance_has_nothing_to_keep_away_but_may_have_others_otherwise() -> None:
    with pytest.raises(BadChange, match="no alliance is formed in this history"):
        whatif(nobody_searches(), changes=[KeptAway("blame")])
    found = whatif(nobody_searches(), 1, 0, [SetFrom(5, "search_rate", 1.0)], ALL)
    assert found.sentence().endswith("no alliance is formed in both worlds by month 12")
    assert found.only_otherwise()


def test_before_its_signature_an_alliance_has_no_difference_to_take_apart() -> None:
    found = whatif(market(months=12), 4, 0, [SetFrom(1, "monitoring", 2.0)], ALL)
    late = next(match for match in found.in_both() if match.formed > 2)
    told = dataclasses.replace(found, alliance=late.factual)
    assert told.is_told(late.formed)
    assert not told.is_told(late.formed - 1)
    assert told.sentence(late.formed - 1).endswith(f"is not yet formed in both worlds by month {late.formed - 1}")
    with pytest.raises(ValueError, match="by then"):
        told.ledger_difference(month=late.formed - 1)


def test_what_comes_before_the_other_world_is_certain_and_what_comes_after_is_not() -> None:
    scenario = market(months=40)
    history = simulate_history(scenario, 4)
    late = next(
        k for k in range(1, history.alliances.shape[1] + 1) if history.alliances[-1, k - 1].formed > 12
        and happened(history, "shirking", k)
    )  # fmt: skip
    alone = whatif(scenario, 4, 0, [KeptAway("shirking")], late)
    assert alone.match(late).counterfactual is not None
    with pytest.raises(DidNotHappen, match="it need not be signed there"):
        whatif(scenario, 4, 0, [KeptAway("shirking"), SetFrom(2, "blame", 1.0)], late)


# ---------------------------------------------------------------------------------------------------------------
# Telling
# ---------------------------------------------------------------------------------------------------------------
def test_the_sentence_says_the_numbers_of_the_tables() -> None:
    found = whatif(dyad([SCANDAL]), changes=[LeftOut("scandal")])
    difference = float(found.futures()["trust_difference"].iloc[-1])
    assert difference > 0.001
    told = found.sentence()
    assert told.startswith("Without the event scandal, trust in alliance 1 (a with b) would be ")
    assert f"would be {difference:.3f} higher in month 12" in told
    assert "It goes on to the end in both worlds" in told


def test_a_change_that_changes_nothing_is_called_so() -> None:
    found = whatif(dyad(), changes=[SetFrom(3, "shirk_rate", 0.9)])
    assert found.sentence().endswith("would have been the same in every month, and so would communication and value")


def test_a_change_of_money_alone_tells_what_it_is_worth() -> None:
    """What shared know-how earns moves no trust where nobody is disappointed."""
    found = whatif(dyad(synergy=0.2), changes=[SetFrom(3, "synergy", 0.4)])
    worths = [float(history.alliances[-1].value.sum()) for history in (found.counterfactual, found.factual)]
    gained = worths[0] - worths[1]
    assert gained > 0.1
    assert "the same in every month. It goes on to the end in both worlds" in found.sentence()
    assert found.sentence().endswith(f"It would be worth {gained:.1f} money more, over the outside option too")


def test_an_alliance_that_had_ended_before_the_change_is_said_to() -> None:
    history = simulate_history(WORLDS["network"](), 1)
    ended = history.alliances[-1].ended
    number = int(np.flatnonzero((ended > 0) & (ended < 28))[0]) + 1
    found = whatif(WORLDS["network"](), 1, 0, [SetFrom(29, "blame", 1.0)], number)
    assert found.sentence().endswith(f"it had ended in month {ended[number - 1]}")
    with pytest.raises(DidNotHappen, match=f"in alliance {number}, which ended in month {ended[number - 1]}"):
        whatif(WORLDS["network"](), 1, 0, [KeptAway("friction", 29)], number)


@pytest.mark.parametrize("world", sorted(WORLDS))
@pytest.mark.parametrize("change", [SetFrom(2, "blame", 1.0), KeptAway("friction", 1, 30)])
def test_the_ledger_adds_up_by_row_and_column_as_it_is_shown(world: str, change: Change) -> None:
    found = whatif(WORLDS[world](), 6, 0, [change], ALL)
    for match in found.in_both():
        ledger = found.ledger_difference(match.factual)
        shown = rounded(ledger)
        digits = (1000 * shown.drop(columns="cause")).round()
        assert np.allclose(digits / 1000, shown.drop(columns="cause"), rtol=0.0, atol=1e-12, equal_nan=True)
        assert digits["total"].sum() == round(1000 * ledger["total"].sum())
        near = (shown.drop(columns="cause") - ledger.drop(columns="cause")).abs().max()
        assert near["at_once"] < 0.0011
        assert near["total"] < 0.0031
        if not ledger[list(WAYS)].isna().any(axis=None):
            assert (digits[list(WAYS)].sum(axis=1) == digits["total"]).all()


def test_a_difference_that_passes_is_called_so() -> None:
    """Trust of this dyad is lost and wholly regained, so that only the way there differs."""
    found = whatif(dyad(trust_gain=0.5, months=120), changes=[
        Added({"kind": "breach", "month": 4, "who": 1, "severity": 0.5})
    ])  # fmt: skip
    assert "would be the same in month 120; the difference was widest in month 4" in found.sentence()


def test_happenings_of_both_worlds_begin_with_the_change() -> None:
    scenario = busy(months=48)
    found = whatif(scenario, 3, 0, [KeptAway("friction")], ALL)
    rows = found.happenings()
    assert rows["month"].min() == found.first_month
    assert (rows["as_it_was"] | rows["otherwise"]).all()
    first = rows[(rows["month"] == found.first_month) & (rows["what"] == "friction")]
    assert first["as_it_was"].all()
    assert not first["otherwise"].any()
    words = {row[0]: row[1:] for row in courses_in_words(rows)}
    assert words["friction"][1] != "–"


def test_the_table_holds_every_state_of_every_month() -> None:
    found = whatif(busy(months=12), 1, 0, [SetFrom(4, "blame", 1.0)], ALL)
    table = found.table()
    assert len(table) == 13 * found.factual.alliances.shape[1]
    for name in STATES:
        assert np.allclose(table[f"{name}_otherwise"] - table[name], table[f"{name}_difference"])
    assert (table[table["month"] < 4][[f"{name}_difference" for name in STATES]] == 0.0).all(axis=None)


@pytest.mark.parametrize("alliance", [1, ALL])
def test_the_figure_draws_without_a_warning(alliance: Any) -> None:
    before = dict(matplotlib.rcParams)
    found = whatif(busy(months=24), 1, 0, [KeptAway("festering", 4, 9)], ALL if alliance == ALL else None)
    figure = plots.whatif(found, month=20)
    figure.draw_without_rendering()
    title = figure.get_suptitle().replace("\n", " ")
    assert title.startswith("Without what was left unsaid in months 4 to 9, trust would be ")
    assert title.endswith(found.when(20))
    assert len(figure.axes) == 4
    assert dict(matplotlib.rcParams) == before


def test_the_bars_of_the_figure_add_up_to_the_difference() -> None:
    found = whatif(busy(months=24), 1, 0, [SetFrom(4, "blame", 1.0)], ALL)
    bars = figure_bars(plots.whatif(found))
    total = bars.pop("difference of trust")
    ways = [bars.pop(name) for name in WAY_WORDS]
    assert total != 0.0
    assert sum(bars.values()) == pytest.approx(total, abs=1e-12)
    assert sum(ways) == pytest.approx(total, abs=1e-12)


def figure_bars(figure: Any) -> dict[str, float]:
    ax = figure.axes[-1]
    names = [label.get_text() for label in ax.get_yticklabels()]
    return dict(zip(names, [float(bar.get_width()) for bar in ax.patches], strict=True))


# ---------------------------------------------------------------------------------------------------------------
# Many replicates
# ---------------------------------------------------------------------------------------------------------------
def test_an_effect_is_the_mean_of_the_single_differences() -> None:
    scenario, changes = busy(months=24), [KeptAway("blame")]
    effect = effect_of(scenario, changes, replicates=12, seed=2)
    differences, causes = [], []
    for replicate in range(12):
        try:
            found = whatif(scenario, 2, replicate, changes, 1)
        except DidNotHappen:
            continue
        differences.append(float(found.futures()["trust_difference"].iloc[-1]))
        causes.append(found.ledger_difference()["total"].to_numpy())
    assert 3 < effect.applied == len(differences) < 12
    row = effect.table.set_index("outcome").loc["trust"]
    assert row["difference"] == pytest.approx(np.mean(differences), abs=1e-12)
    assert row["otherwise"] - row["as_it_was"] == pytest.approx(row["difference"], abs=1e-12)
    assert row["low"] < row["difference"] < row["high"]
    assert effect.ledger["difference"].to_numpy() == pytest.approx(np.mean(causes, axis=0), abs=1e-12)
    assert effect.ledger["difference"].sum() == pytest.approx(row["difference"], abs=1e-12)
    assert list(effect.table["outcome"]) == list(OUTCOMES_OF_AN_EFFECT)
    assert f"mean over the {effect.applied} of 12 replicates" in effect.sentence()
    assert "the blame that came first, trust in alliance 1 at the horizon changes by" in effect.sentence()


def test_an_interval_that_excludes_zero_is_seen_to_exclude_it() -> None:
    row = {"outcome": "trust", "difference": 0.05, "low": 0.002, "high": 0.098, "n": 20, "method": "t"}
    effect = Effect((KeptAway("blame"),), 1, 20, 20, "", pd.DataFrame([row]), pd.DataFrame())
    assert "changes by +0.050 (95% interval +0.002 to +0.098)" in effect.sentence()


def test_breaking_faith_costs_trust_beyond_chance() -> None:
    """The interval of a breach in month 20 of 24 lies below zero: it is paired, so few replicates are enough."""
    breach = Added({"kind": "breach", "month": 20, "severity": 0.5})
    effect = effect_of(busy(months=24), [breach], replicates=20, alliance=ALL)
    row = effect.table.set_index("outcome").loc["trust"]
    assert effect.applied == 20
    assert row["high"] < 0.0


def test_an_effect_without_any_replicate_to_change_says_so() -> None:
    assert "in none of 1 replicate." in effect_of(dyad(), [KeptAway("blame")], replicates=1).sentence()
    effect = effect_of(dyad(), [KeptAway("blame")], replicates=3)
    assert effect.applied == 0
    assert "can be made in none of 3 replicates. In replicate 0: --without blame@first: blame never happened" in (
        effect.sentence()
    )
    assert effect.table["difference"].isna().all()


@pytest.mark.parametrize(
    ("scenario", "change", "alliance", "said"),
    [
        (nobody_searches(), SetFrom(2, "blame", 1.0), 1, "no alliance is formed"),
        (nobody_searches(), SetFrom(2, "search_rate", 1.0), ALL, "no alliance is formed"),
        (market(months=12), SetFrom(1, "search_rate", 0.0), ALL, "no alliance is formed otherwise"),
        (market(months=12), SetFrom(1, "blame", 1.0), 1, "it need not be signed there"),
        (dyad(), SetFrom(1, "blame", 1.0), 2, "1 alliance is formed"),
    ],
)
def test_an_effect_says_why_it_is_none(scenario: Scenario, change: Change, alliance: Any, said: str) -> None:
    effect = effect_of(scenario, [change], replicates=2, alliance=alliance)
    assert (effect.applied, effect.refused.startswith("in replicate 0: ")) == (0, True)
    assert said in effect.refused
    assert said in effect.sentence()


def test_progress_counts_replicates_and_none_is_refused() -> None:
    seen: list[int] = []
    effect_of(dyad([SCANDAL]), [LeftOut("scandal")], replicates=3, progress=seen.append)
    assert seen == [1, 2, 3]
    with pytest.raises(ValueError, match="at least one"):
        effect_of(dyad([SCANDAL]), [LeftOut("scandal")], replicates=0)
