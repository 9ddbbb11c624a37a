"""The market by hand: who may sign, who is vetted and how well, what is remembered, what becomes known.

``tests/builders.py`` has the market in which everything happens; small ones are the quiet dyad with a market.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from sim import engine
from sim.analysis.vetting import Interview, courses, questions_for
from sim.dynamics import draws, kernel
from sim.dynamics.market import is_asked, prefers, question
from sim.dynamics.state import ALLIANCE, BINS, CAUSES_OF_ENDING, N_CAUSES, NOBODY, REFUSAL, VARIABLES
from sim.engine import LiveRun, lifetimes, simulate, simulate_history, survival_table
from sim.parameters import PLACES, Parameters
from sim.scenario import Scenario
from tests.builders import QUIET_PARAMETERS, QUIET_TRAITS, TEXTS, market

approx = pytest.approx


def quiet_market(organizations: int = 2, months: int = 12, events=(), partners: int = 0, **settings) -> Scenario:
    """A market in which nothing happens by chance but who meets whom."""
    plain = {
        **TEXTS,
        "months": months,
        "organizations": organizations,
        "network": {"market": True, "partners": partners},
        "parameters": dict(QUIET_PARAMETERS),
        "traits": dict(QUIET_TRAITS),
        "events": list(events),
    }
    return Scenario.from_plain(plain, "quiet market").replace(**settings)


def months_of(scenario: Scenario, seed: int = 1, replicate: int = 0):
    """(month, organizations, alliances) at the end of each month of a run."""
    live = LiveRun(scenario, seed, replicate)
    yield 0, live.organizations, live.alliances
    for month in range(1, scenario.months + 1):
        live.step()
        yield month, live.organizations, live.alliances


MARKETS = pytest.mark.parametrize(
    ("scenario", "seed"),
    [
        (market(), 1),
        (market(partners=2, capacity=2), 2),
        (market(organizations=30, months=36, search_breadth=2, search_rate=1.0), 3),
        (market(capacity=8, arrival=0, vetting=0, exogenous_exit=0.2), 4),
        (market(organizations=2, vetting=0), 5),  # else the only candidate may fail and never be met again
        (market(organizations=3, exogenous_exit=0.5), 6),
    ],
    ids=["newcomers", "partners at the start", "many", "many places", "two", "three"],
)


# ---------------------------------------------------------------------------------------------------------------
# Places
# ---------------------------------------------------------------------------------------------------------------
@MARKETS
def test_nobody_holds_more_alliances_than_it_has_places_for_nor_one_twice_nor_one_with_itself(scenario, seed):
    signed = 0
    for month, orgs, alliances in months_of(scenario, seed):
        living = alliances[alliances.alive == 1]
        pairs = [tuple(pair) for pair in living.org.tolist()]
        assert all(a < b for a, b in pairs)
        assert len(set(pairs)) == len(pairs)
        held = Counter(row for pair in pairs for row in pair)
        for row, me in enumerate(orgs):
            assert me.engaged == held[row] <= (me.capacity if month else scenario.network.partners)
        signed = len(alliances)
    assert signed > scenario.organizations * scenario.network.partners // 2


@MARKETS
def test_the_list_of_partners_is_that_of_the_living_alliances(scenario, seed):
    for _, orgs, alliances in months_of(scenario, seed):
        partners = {row: [] for row in range(len(orgs))}
        for a, b in alliances[alliances.alive == 1].org.tolist():
            partners[a].append(b)
            partners[b].append(a)
        for row, me in enumerate(orgs):
            assert sorted(ally for ally in me.ally if ally != NOBODY) == sorted(partners[row])


@MARKETS
def test_rows_of_alliances_stay_and_new_ones_are_added_at_the_end(scenario, seed):
    before = None
    for month, _, alliances in months_of(scenario, seed):
        assert (alliances.exists == 1).all()
        if before is not None:
            assert alliances.org[: len(before)].tobytes() == before.org.tobytes()
            assert alliances.formed[: len(before)].tobytes() == before.formed.tobytes()
            assert (alliances.formed[len(before) :] == month).all()
            assert (alliances.age[len(before) :] == 1).all()  # they work from the month of the signature on
        before = alliances.copy()


@MARKETS
def test_nobody_signs_before_its_arrival(scenario, seed):
    live = LiveRun(scenario, seed)
    arrival = live.organizations.arrival.copy()
    for _ in range(scenario.months):
        live.step()
    later = live.alliances[live.alliances.formed > 0]
    assert (later.formed[:, None] >= arrival[later.org]).all()


def test_newcomers_do_sign_from_the_month_of_their_arrival_on():
    scenario = quiet_market(organizations=10, months=8, arrival=5, search_rate=1.0)
    formed = simulate(scenario, 20).alliances
    assert (formed.formed[formed.exists == 1] >= 5).all()
    assert (formed.formed == 5).any()


def test_two_organizations_ally_in_the_first_month_and_again_when_it_is_over():
    scenario = quiet_market(months=6, exogenous_exit=1.0, capacity=1)
    alliances = simulate_history(scenario).alliances[-1]
    assert list(alliances.formed) == list(alliances.ended) == [1, 2, 3, 4, 5, 6]
    assert list(alliances.earlier) == [0, 1, 2, 3, 4, 5]
    assert alliances.org.tolist() == [[0, 1]] * 6


@pytest.mark.parametrize(
    "settings", [{"search_rate": 0.0}, {"capacity": 0}, {"arrival": 100}], ids=["search", "capacity", "arrival"]
)
def test_a_market_in_which_nobody_can_sign_stays_empty(settings):
    result = simulate(quiet_market(organizations=6, **settings), 3)
    assert result.alliances.shape == (3, 0)
    runs = result.runs()
    assert list(runs["replicate"]) == [0, 1, 2]
    assert runs.drop(columns=["seed", "replicate"]).isna().all(axis=None)
    assert len(result.alliances_table()) == 0
    assert len(result.monthly()) == 0
    assert (result.organizations_table()["alliances"] == 0).all()
    assert result.ledger_table()["mean"].isna().all()


@pytest.mark.parametrize("spread", [0.0, 0.3])
@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_no_row_has_an_advantage(capacity, spread):
    """Organizations alike in everything but their row sign equally many alliances in the first month, within 5 se.

    Without a spread of complementarity all suitors are equals.
    """
    scenario = quiet_market(organizations=10, months=1, capacity=capacity, complementarity_spread=spread)
    engaged = simulate(scenario, 1500).organizations.engaged
    mean, se = engaged.mean(0), engaged.std(0, ddof=1) / math.sqrt(len(engaged))
    assert np.abs((mean - engaged.mean()) / se).max() < 5.0


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_no_row_has_an_advantage_while_places_come_and_go(capacity):
    """From the second month on some places are taken and some partners known; 9 rows, within 5 se."""
    scenario = quiet_market(
        organizations=9, months=6, capacity=capacity, complementarity_spread=0.3, exogenous_exit=0.3, search_rate=0.7
    )
    a = simulate(scenario, 1500).alliances
    signed = np.array([np.bincount(run.org[run.exists == 1].ravel(), minlength=9) for run in a])
    mean, se = signed.mean(0), signed.std(0, ddof=1) / math.sqrt(len(signed))
    assert np.abs((mean - signed.mean()) / se).max() < 5.0
    assert signed.mean() > capacity  # places did come free


@pytest.mark.parametrize(("trait", "before", "after"), [("capacity", 0, 8), ("arrival", 20, 0)])
def test_a_change_that_frees_places_counts_in_its_own_month(trait, before, after):
    """There must be room for signatures of organizations that had no place free when the month began."""
    event = {"month": 3, "kind": "change", "who": "everyone", "trait": trait, "to": after}
    scenario = quiet_market(organizations=12, months=5, search_breadth=20, events=[event], **{trait: before})
    swept, history = simulate(scenario, 3), simulate_history(scenario)
    assert (swept.alliances.formed[swept.alliances.exists == 1].min()) == 3
    count = history.alliances.shape[1]
    assert history.alliances[-1].tobytes() == swept.alliances[0, :count].tobytes()


def test_room_is_for_one_signature_of_each_organization_with_a_place_free_and_of_all_in_a_month_of_events():
    event = {"month": 3, "kind": "change", "who": "everyone", "trait": "capacity", "to": 1}
    live, needed, signed = LiveRun(quiet_market(organizations=12, capacity=0, events=[event])), [], []
    for month in range(1, 8):
        free = int((live.organizations.engaged < live.organizations.capacity).sum())
        needed.append(int(kernel.room_needed(live.organizations, live.events, month)))
        assert needed[-1] == (12 if month == 3 else free)
        before = len(live.alliances)
        live.step()
        signed.append(len(live.alliances) - before)
        assert signed[-1] <= needed[-1]
    assert needed[:3] == [0, 0, 12]
    assert signed[:2] == [0, 0]
    assert signed[2] > 0
    assert needed[3] == 12 - 2 * signed[2]


def test_a_run_stops_for_room_before_a_month_of_events_and_not_within_it():
    """With no row to spare it gets to the end of the month before, and on from there once it has room."""
    event = {"month": 3, "kind": "change", "who": "everyone", "trait": "capacity", "to": 1}
    scenario = quiet_market(organizations=12, capacity=0, months=3, events=[event])
    live = LiveRun(scenario)
    shape = (scenario.months + 1, len(VARIABLES))

    def go_on(rows, first):
        return kernel.run(
            live.parameters, live.organizations, engine.float_view(live.organizations), rows,
            engine.float_view(rows), 0, live.events, 1.0, 1, 0, first, 3, np.zeros((*shape, 3)),
            np.zeros((*shape, BINS), dtype=np.int64), np.zeros((1, len(rows), *engine.LEDGER)), np.zeros(engine.LEDGER),
            np.zeros(N_CAUSES), np.zeros((6, 12), dtype=np.int64), np.empty((0, 0, 0)), np.empty((0, 0, 0)),
            np.empty(0),
        )  # fmt: skip

    def room(count):
        return np.zeros(count, ALLIANCE).view(np.recarray)

    assert go_on(room(11), 1)[:2] == (2, 0)
    months, count, _ = go_on(room(12), 3)
    assert months == 3
    assert 0 < count <= 6


def test_fewer_places_end_nothing_but_who_holds_too_many_signs_no_more():
    """Everybody may hold four, from month 4 on one."""
    event = {"month": 4, "kind": "change", "who": "everyone", "trait": "capacity", "to": 1}
    scenario = quiet_market(organizations=8, months=20, capacity=4, search_breadth=20, events=[event])
    history = simulate_history(scenario)
    assert history.organizations.engaged[3].max() > 1
    assert (np.diff(history.organizations.engaged, axis=0)[3:][history.organizations.engaged[3:-1] >= 1] <= 0).all()


# ---------------------------------------------------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------------------------------------------------
@MARKETS
def test_what_is_remembered_of_an_earlier_partner_is_how_it_ended(scenario, seed):
    live = LiveRun(scenario, seed)
    remembered: dict[tuple[int, int], tuple[float, float, int]] = {}
    for _ in range(scenario.months):
        live.step()
        for tie in live.alliances[live.alliances.ended == live.month]:
            for side in (0, 1):
                me, other = int(tie.org[side]), int(tie.org[1 - side])
                remembered[me, other] = (tie.effective[side], tie.ties, tie.earlier + 1)
        for row, me in enumerate(live.organizations):
            past = [other for other in me.past.tolist() if other != NOBODY]
            met = {other for mine, other in remembered if mine == row}
            assert len(set(past)) == len(past) == min(len(met), len(me.past))
            for place, other in enumerate(me.past.tolist()):
                if other != NOBODY:
                    kept = (me.past_trust[place], me.past_ties[place], me.past_times[place])
                    assert kept == remembered[row, other]
    assert len(remembered) >= 2


def test_an_alliance_with_an_old_partner_starts_from_remembered_trust_and_ties():
    scenario = market(months=60, organizations=6, exogenous_exit=0.2, vetting=0)
    p = scenario.parameters
    live, seen = LiveRun(scenario, 3), 0
    for month in range(1, scenario.months + 1):
        before = live.organizations.copy()
        first = len(live.alliances)
        live.step()
        for tie in live.alliances[first:]:
            a, b = before[tie.org[0]], before[tie.org[1]]
            uniforms = draws.four(3, 0, month, draws.START, a.key, b.key)
            for side, (me, partner) in enumerate(((a, b), (b, a))):
                spread = p.trust_start_sd * math.sqrt(3) / math.pi
                fresh = p.trust_start + spread * math.log(uniforms[side] / (1 - uniforms[side]))
                fresh += p.reputation_trust * (partner.reputation - 0.5)
                known = np.flatnonzero(me.past == tie.org[1 - side])
                if len(known):
                    seen += 1
                    fresh = (1 - p.memory) * fresh + p.memory * me.past_trust[known[0]]
                    assert tie.earlier == me.past_times[known[0]]
                assert tie.trust_start[side] == approx(min(max(fresh, 0.0), 1.0))
    assert seen > 20


def test_ties_are_handed_down_as_far_as_they_are_remembered():
    """Ties are clamped, so that what an alliance has is what it started with: .3, then .3 + .7·(.8 − .3)."""
    live = LiveRun(quiet_market(exogenous_exit=1.0, clamp_ties=True, memory=0.7))
    live.step()
    assert live.alliances[0].ties == 0.3
    live.organizations.past_ties[live.organizations.past != NOBODY] = 0.8
    live.step()
    assert live.alliances[1].ties == approx(0.3 + 0.7 * 0.5)


def test_the_oldest_of_too_many_memories_makes_room():
    live = LiveRun(quiet_market(organizations=24, months=60, exogenous_exit=1.0, capacity=1, appeal_memory=0.0))
    met: dict[int, list[int]] = {row: [] for row in range(24)}
    for _ in range(60):
        live.step()
        for a, b in live.alliances[live.alliances.ended == live.month].org.tolist():
            for me, other in ((a, b), (b, a)):
                if other not in live.organizations.past[me]:
                    raise AssertionError("the newest partner is forgotten")
                met[me].append(other)
    full = [row for row in met if len(set(met[row])) > live.organizations.past.shape[1]]
    assert full
    assert all((live.organizations.past[row] != NOBODY).all() for row in full)


# ---------------------------------------------------------------------------------------------------------------
# Search
# ---------------------------------------------------------------------------------------------------------------
def test_the_most_complementary_candidate_is_chosen_where_nothing_else_counts():
    """Everybody looks at everybody. The pair that fits best of all prefer each other, so they sign in month 1."""
    scenario = quiet_market(
        organizations=12, months=1, capacity=1, search_breadth=100, complementarity_spread=0.4, appeal_reputation=0.0
    )
    for seed in range(10):
        live = LiveRun(scenario, seed)
        fits = {}
        for a in range(12):
            for b in range(a + 1, 12):
                uniform = draws.four(seed, 0, 0, draws.PAIR, a, b)[0]
                fits[a, b] = 0.6 + 0.4 * (2 * uniform - 1)
        live.step()
        best = max(fits, key=lambda pair: fits[pair])
        signed = [tuple(pair) for pair in live.alliances.org.tolist()]
        assert best in signed
        for pair, tie in zip(signed, live.alliances, strict=True):
            assert tie.complementarity == approx(fits[pair])


def test_complementarity_and_channels_belong_to_the_pair_for_good():
    result = simulate(market(organizations=4, months=60, exogenous_exit=0.2, channel_spread=0.5, vetting=0), 4)
    table = result.alliances_table().assign(
        fit=result.alliances.complementarity[result.alliances.exists == 1],
        channels=result.alliances.channels[result.alliances.exists == 1],
    )
    groups = table.groupby(["replicate", "a", "b"])
    assert (groups.size() > 2).sum() > 5
    assert (groups[["fit", "channels"]].nunique() == 1).all(axis=None)


@pytest.mark.parametrize(("weight", "again"), [(20.0, True), (0.0, False)])
def test_trust_that_is_remembered_brings_partners_together_again(weight, again):
    scenario = quiet_market(
        organizations=40, months=20, exogenous_exit=1.0, capacity=1, trust_start=0.3, appeal_memory=weight,
        trust_gain=0.5, communication_start=1.0,
    )  # fmt: skip
    repeated = simulate(scenario, 10).runs()["repeated"].mean()
    assert repeated > 0.7 if again else repeated < 0.4


# ---------------------------------------------------------------------------------------------------------------
# Vetting
# ---------------------------------------------------------------------------------------------------------------
VETTING = {
    "as many as it takes": (200, {}, ["all"]),
    "three": (3, {}, ["all"]),
    "self-ratings only": (8, {"skip_behaviour": True}, ["self"]),
    "behaviour only": (7, {"skip_self_ratings": True}, ["behaviour"]),
}


@pytest.mark.parametrize("name", VETTING)
def test_vetting_within_a_run_is_that_of_the_calculator(name):
    """Ten thousand interviews against the exact recursion: shares and mean number of questions within 4 se."""
    limit, settings, asked = VETTING[name]
    interview = Interview(questions=questions_for(asked), max_questions=limit)
    for practises, course in zip((0.8, 0.2), courses(interview, [1.0, 0.0]), strict=True):
        scenario = quiet_market(
            organizations=60, months=6, capacity=8, vetting=limit, operationalization=practises,
            complementarity_spread=0.3, **settings,
        )  # fmt: skip
        orgs = simulate(scenario, 60).organizations
        interviews, questions, accepted = (int(orgs[n].sum()) for n in ("interviews", "questions", "accepted"))
        assert interviews > 9000
        share = course.share_accepted
        assert accepted / interviews == approx(share, abs=4 * math.sqrt(share * (1 - share) / interviews))
        numbers = np.arange(len(course.ended))
        variance = max(0.0, course.ended @ numbers**2 - course.questions**2)
        assert questions / interviews == approx(course.questions, abs=4 * math.sqrt(variance / interviews) + 1e-9)
        assert orgs.mistakes.sum() == (accepted if practises == 0.2 else 0)


def test_interviews_cost_what_their_questions_cost_and_the_alliance_they_lead_to_bears_it():
    scenario = quiet_market(organizations=10, months=20, capacity=2, vetting=12, operationalization=0.9)
    live = LiveRun(scenario, 2)
    costs = [0.01, 0.005, 0.005, 0.01, 0.01, 0.01]
    for _ in range(20):
        live.step()
    orgs, alliances = live.organizations, live.alliances
    assert (alliances.start_cost == 0.0).all()
    spent = alliances.vetting_cost.sum() + orgs.search_cost.sum()
    assert spent > 0.0
    assert min(costs) * orgs.questions.sum() <= spent <= max(costs) * orgs.questions.sum()
    assert orgs.search_cost.sum() < spent  # what is left has led to no alliance yet
    at_signature = LiveRun(scenario, 2)
    at_signature.step()
    tie = at_signature.alliances[0]
    assert tie.vetting_cost == approx(tie.net.sum() - tie.value.sum())


def test_a_question_costs_what_it_is_declared_to_cost():
    """Limit 4, and p1 so near p0 that no answer decides: each of both asks questions 1 to 4."""
    useless = {f"{name}_p1": 0.5 for name in ("trust_example", "team_rating", "management_rating", "complaints")}
    useless |= {f"{name}_p0": 0.5 for name in ("trust_example", "team_rating", "management_rating", "complaints")}
    live = LiveRun(quiet_market(vetting=4, **useless))
    live.step()
    assert list(live.organizations.questions) == [4, 4]
    assert live.alliances[0].vetting_cost == approx(2 * (0.01 + 0.005 + 0.005 + 0.01))
    assert (live.organizations.search_cost == 0.0).all()


def test_each_question_has_its_own_chances_and_cost():
    """Numbers all unlike, so that no question can pass for another."""
    names = ("trust_example", "team_rating", "management_rating", "complaints", "agreed_actions", "absent_partner")
    declared = {
        name: (0.6 + 0.05 * number, 0.1 + 0.03 * number, 0.2 + 0.04 * number) for number, name in enumerate(names)
    }
    named = {
        f"{name}_{part}": value
        for name, values in declared.items()
        for part, value in zip(("p1", "p0", "cost"), values, strict=True)
    }
    p = Parameters(**named).record()
    assert [question(p, number) for number in range(6)] == [approx(declared[name]) for name in names]


@pytest.mark.parametrize(
    ("behaviour", "ratings", "asked"),
    [(False, False, [0, 1, 2, 3, 4, 5]), (True, False, [1, 2]), (False, True, [0, 3, 4, 5]), (True, True, [])],
)
def test_questions_of_a_sort_are_left_out_together(behaviour, ratings, asked):
    p = Parameters(skip_behaviour=behaviour, skip_self_ratings=ratings).record()
    assert [number for number in range(6) if is_asked(p, number)] == asked


def test_nobody_vets_a_partner_that_it_knows():
    live = LiveRun(quiet_market(exogenous_exit=1.0, vetting=6, operationalization=1.0, trust_example_p1=0.99))
    asked = []
    for _ in range(12):
        live.step()
        asked.append(int(live.organizations.questions.sum()))
    first = int(live.alliances.formed[0])
    assert asked[first - 1] > 0
    assert set(asked[first - 1 :]) == {asked[first - 1]}
    assert len(live.alliances) > 2


def test_vetting_keeps_cat_posters_out():
    shares = {}
    for limit in (0, 40):
        scenario = market(months=1, organizations=60, vetting=limit, capacity=2, arrival=0)
        result = simulate(scenario, 20)
        a = result.alliances
        w = result.organizations.operationalization
        partners = np.concatenate([w[r][a.org[r][a.exists[r] == 1]].ravel() for r in range(20)])
        shares[limit] = (partners >= scenario.parameters.genuine_from).mean()
    assert shares[40] > 0.9
    assert shares[0] < 0.5


# ---------------------------------------------------------------------------------------------------------------
# Who is shunned
# ---------------------------------------------------------------------------------------------------------------
PLAIN_TO_SEE = {
    f"{name}_{p}": value
    for name in ("trust_example", "team_rating", "management_rating", "complaints", "agreed_actions", "absent_partner")
    for p, value in (("p1", 0.99), ("p0", 0.01))
}
"""One answer decides, and ninety-nine of a hundred are right."""


def test_a_candidate_that_failed_is_not_interviewed_again_while_it_is_remembered():
    live = LiveRun(quiet_market(vetting=6, operationalization=0.1, **PLAIN_TO_SEE))
    for _ in range(12):
        live.step()
        assert live.organizations.interviews.tolist() == [1, 1]
    assert live.organizations.refused[:, 0].tolist() == [1, 0]
    assert len(live.alliances) == 0
    live.organizations.refused[:] = NOBODY
    live.step()
    assert live.organizations.interviews.tolist() == [2, 2]


def test_who_failed_an_interview_proposes_in_vain():
    """The first is genuine and refuses the second, a cat poster, which would have it and asks on."""
    change = {"month": 1, "kind": "change", "who": 1, "trait": "operationalization", "to": 0.9}
    live = LiveRun(quiet_market(vetting=6, operationalization=0.1, events=[change], **PLAIN_TO_SEE))
    for _ in range(12):
        live.step()
    orgs = live.organizations
    assert orgs.refused[0].tolist() == [1, *[NOBODY] * (PLACES - 1)]
    assert (orgs.refused[1] == NOBODY).all()
    assert orgs.accepted.tolist() == [0, 1]
    assert orgs.interviews.tolist() == [1, 1]
    assert len(live.alliances) == 0


def test_the_oldest_of_too_many_refusals_makes_room():
    """Fifteen cat posters, of whom each remembers the last eight that failed, and meets the others again."""
    live = LiveRun(quiet_market(organizations=15, vetting=6, operationalization=0.1, search_breadth=2, **PLAIN_TO_SEE))
    before, again = [[] for _ in range(15)], 0
    failed: list[set[int]] = [set() for _ in range(15)]
    for _ in range(60):
        live.step()
        for row, me in enumerate(live.organizations):
            newest_last = np.roll(me.refused, -int(me.next_refused))
            kept = [other for other in newest_last.tolist() if other != NOBODY]
            vain = int(me.interviews - me.accepted)
            assert len(set(kept)) == len(kept) == min(vain, PLACES)
            new = vain - len(before[row])
            met = kept[len(kept) - new :]
            assert not set(met) & set(before[row][-PLACES:])
            before[row] += met
            again += len(set(met) & failed[row])
            failed[row] |= set(met)
    assert again > 0
    assert min(len(met) for met in before) > PLACES


def test_nobody_signs_with_a_partner_that_it_lost_trust_in():
    breach = {"month": 3, "kind": "breach", "who": 2, "severity": 1.0}
    live = LiveRun(quiet_market(trust_exit=0.3, events=[breach]))
    for _ in range(12):
        live.step()
    orgs = live.organizations
    assert live.alliances.ended.tolist() == [3]
    assert orgs.past_trust[0, 0] < 0.3 < orgs.past_trust[1, 0]  # it is the one who was let down that will not
    orgs.past_trust[0, 0] = live.parameters.trust_exit  # just enough
    live.step()
    assert len(live.alliances) == 2


def test_in_a_market_too_who_lost_trust_stays_away_and_others_come_again():
    scenario = market(organizations=8, months=60, trust_exit=0.3, vetting=0)
    live, lost, again = LiveRun(scenario, 5), set(), 0
    for _ in range(scenario.months):
        before, first = live.organizations.copy(), len(live.alliances)
        live.step()
        for a, b in live.alliances.org[first:].tolist():
            for me, other in ((a, b), (b, a)):
                known = before.past_trust[me][before.past[me] == other]
                assert (known >= 0.3).all()
                again += len(known)
        faded = (live.organizations.past != NOBODY) & (live.organizations.past_trust < 0.3)
        lost |= {(row, other) for row in range(8) for other in live.organizations.past[row][faded[row]].tolist()}
    assert len(lost) > 10
    assert again > 10


@pytest.mark.parametrize(
    ("memory", "shunned"),
    [
        ({}, False),
        ({"refused": 3}, True),
        ({"refused": 4}, False),
        ({"past": 3, "past_trust": 0.29}, True),
        ({"past": 3, "past_trust": 0.3}, False),
        ({"past": 4, "past_trust": 0.1}, False),
        ({"refused": 3, "past": 3, "past_trust": 0.9}, True),
    ],
    ids=["stranger", "refused", "another refused", "distrusted", "trusted", "another distrusted", "refused first"],
)
def test_whom_an_organization_shuns(memory, shunned):
    live = LiveRun(quiet_market(organizations=6, trust_exit=0.3))
    me = live.organizations[0]
    for name, value in memory.items():
        me[name][5] = value
    assert kernel.shuns(live.parameters, me, 3) == shunned


def test_of_two_equals_one_is_preferred_and_chance_says_which():
    """Whoever asks whether one is preferred to the other hears the opposite when asked the other way round."""
    live = LiveRun(quiet_market(organizations=5))
    orgs = live.organizations
    found = []
    for month in range(1, 41):
        for one, other in ((1, 2), (3, 4), (1, 4)):
            asked = (
                prefers(live.parameters, orgs[0], orgs.key, orgs.reputation, *pair, 1, 0, month)
                for pair in ((one, other), (other, one))
            )
            first, second = asked
            assert first != second
            found.append(first)
    assert 30 < sum(found) < 90


# ---------------------------------------------------------------------------------------------------------------
# Reputation
# ---------------------------------------------------------------------------------------------------------------
TOLD = {"reputation_visibility": 1.0, "witness_noise": 0.0, "reputation_forgetting": 0.1}


def test_acts_are_counted_remembered_and_weighed():
    """A adapts every month, B refuses: counts 1, 1.9, 2.71 and reputation (2.71 + 1)/(2.71 + 2)."""
    groups = [{"name": "a", "traits": {"integrity": 1.0}}, {"name": "b", "traits": {"integrity": 0.0}}]
    plain = {**quiet_market(contract_tightness=0.0).written, "groups": groups}
    for group in groups:
        group["traits"] = {**QUIET_TRAITS, **group["traits"]}
    scenario = Scenario.from_plain(plain).replace(
        contingency_rate=1.0, adapt_floor=0.0, adapt_base=-15.0, adapt_integrity=20.0, adapt_trust=0.0, **TOLD
    )
    live = LiveRun(scenario)
    for _ in range(3):
        live.step()
    orgs = live.organizations
    assert live.alliances[0].problem[1] == REFUSAL
    assert list(orgs.good) == approx([2.71, 0.0])
    assert list(orgs.bad) == approx([0.0, 2.71])
    assert list(orgs.reputation) == approx([3.71 / 4.71, 1.0 / 4.71])


@pytest.mark.parametrize(("noise", "good", "bad"), [(0.0, [1, 0], [0, 1]), (1.0, [0, 1], [1, 0])])
def test_witnesses_may_have_it_the_wrong_way_round(noise, good, bad):
    event = {"month": 1, "kind": "breach", "who": 2, "severity": 0.3}
    settings = {**TOLD, "witness_noise": noise, "contingency_rate": 1.0, "adapt_floor": 1.0, "contract_tightness": 0.0}
    live = LiveRun(quiet_market(events=[event], **settings))
    live.step()
    assert live.organizations.good.tolist() == good
    assert live.organizations.bad.tolist() == bad


@pytest.mark.parametrize("severity", [0.01, 0.3, 1.0])
def test_a_breach_alone_becomes_known_however_mild(severity):
    event = {"month": 1, "kind": "breach", "who": 2, "severity": severity}
    live = LiveRun(quiet_market(events=[event], **TOLD))
    live.step()
    assert live.organizations.good.tolist() == [0, 0]
    assert live.organizations.bad.tolist() == [0, 1]


def test_ordinary_work_tells_nothing():
    live = LiveRun(quiet_market(competence=0.0, friction_base=1.0, silence=1.0, internal_trust=0.0, **TOLD))
    for _ in range(6):
        live.step()
    assert live.alliances[0].problems > 10
    assert live.organizations.reputation.tolist() == [0.5, 0.5]


def test_an_act_becomes_known_as_often_as_it_is_visible():
    settings = {**TOLD, "reputation_visibility": 0.3, "witness_noise": 0.2, "reputation_forgetting": 0.0}
    scenario = quiet_market(
        organizations=20, months=60, contingency_rate=1.0, adapt_floor=1.0, contract_tightness=0.0, **settings
    )
    result = simulate(scenario, 10)
    acts = int(2 * result.alliances.contingencies.sum())
    good, bad = result.organizations.good.sum(), result.organizations.bad.sum()
    assert good + bad == approx(0.3 * acts, abs=4 * math.sqrt(0.21 * acts))
    assert bad == approx(0.2 * (good + bad), abs=4 * math.sqrt(0.16 * (good + bad)))


def test_reputation_moves_trust_at_the_signature_and_ill_fame_alarms():
    live = LiveRun(quiet_market(reputation_trust=0.5, monitoring=1.0, capacity=1, reputation_alarm=1.0))
    live.organizations.reputation[:] = 0.8, 0.3
    live.step()
    tie = live.alliances[0]
    assert list(tie.trust_start) == approx([0.5 + 0.5 * -0.2, 0.5 + 0.5 * 0.3])
    risk = 1 - 0.4 * (1 - 0.4)  # ill fame (½ − .3)/½ = .4
    assert tie.monitoring[0] == approx(math.log(6.0 * 0.5 * risk) / 6.0)
    assert tie.monitoring[1] == approx(max(0.0, math.log(6.0 * 0.5 * (1 - 0.65))) / 6.0)  # a good name adds nothing


@pytest.mark.parametrize(
    "setting",
    [
        {"appeal_reputation": 5.0},
        {"reputation_trust": 1.5},
        {"reputation_alarm": 6.0},
        {"witness_noise": 0.9},
        {"reputation_forgetting": 0.5},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_what_nobody_sees_moves_nobody(setting):
    """Without visibility the numbers of reputation decide nothing; with it each of them does."""
    for visibility, same in ((0.0, True), (0.5, False)):
        one, other = (simulate(market(reputation_visibility=visibility, **s), 2, seed=3) for s in ({}, setting))
        assert (one.alliances.tobytes() == other.alliances.tobytes()) == same
        assert (one.organizations.tobytes() == other.organizations.tobytes()) == same


# ---------------------------------------------------------------------------------------------------------------
# Books
# ---------------------------------------------------------------------------------------------------------------
def test_results_count_what_was_signed_and_nothing_else():
    result = simulate(market(), 6, seed=5)
    exists = result.alliances.exists == 1
    assert not exists.all()  # some replicates have fewer alliances than others: their rows are empty
    table = result.alliances_table()
    assert len(table) == exists.sum()
    runs = result.runs()
    for name in ("value", "duration", "repeated", "tightness"):
        assert runs[name].to_numpy() == approx(table.groupby("replicate")[name].mean().to_numpy())
    assert (runs["value"] != 0.0).all()
    orgs = result.organizations_table()
    assert orgs["alliances"].sum() == 2 * exists.sum()
    assert orgs["value"].sum() == approx(table["value"].sum())
    assert orgs["alive"].sum() == 2 * result.alliances.alive.sum() == result.organizations.engaged.sum()
    monthly = result.monthly()
    last = monthly[(monthly["month"] == 48) & (monthly["variable"] == "trust")]
    assert last["alliances"].item() == result.alliances.alive.sum()
    assert result.ledger[~exists].any() == np.False_
    means = np.stack([result.ledger[r][exists[r]].mean((0, 1)) for r in range(6)])
    assert result.ledger_means() == approx(means)


def test_outcomes_of_a_market_are_defined():
    result = simulate(market(), 6, seed=5)
    tied = result.alliances[result.alliances.exists == 1]
    table = result.alliances_table()
    assert (table["vetting_cost"] == tied.vetting_cost).all()
    assert (table["vetting_cost"] > 0.0).any()
    assert (table["repeated"] == (tied.earlier > 0)).all()
    assert 0.0 < table["repeated"].mean() < 1.0
    assert (table["tightness"] > 0.0).any()


def survival_by_hand(formed, ended, cause, months) -> np.ndarray:
    """Aalen–Johansen, age by age: shares ended by each cause and going on, shape (months + 1, causes + 1)."""
    rows = []
    going_on, gone = 1.0, np.zeros(len(CAUSES_OF_ENDING) - 1)
    for age in range(months + 1):
        at_risk = ends = 0
        by_cause = np.zeros(len(gone))
        for f, e, c in zip(formed, ended, cause, strict=True):
            begun = max(f - 1, 0)
            lived = (e if c else months) - begun
            at_risk += lived >= age
            if c and lived == age:
                by_cause[c - 1] += 1
                ends += 1
        if at_risk:
            gone = gone + going_on * by_cause / at_risk
            going_on *= 1 - ends / at_risk
        rows.append([*gone, going_on])
    return np.array(rows)


def test_survival_with_censoring_is_aalen_johansen():
    result = simulate(market(), 8, seed=6)
    tied = result.alliances[result.alliances.exists == 1]
    expected = survival_by_hand(tied.formed, tied.ended, tied.cause, 48)
    found = result.survival()
    assert list(found.columns) == ["month", *CAUSES_OF_ENDING[1:], "going on"]
    assert found.drop(columns="month").to_numpy() == approx(expected)
    assert found.drop(columns="month").sum(axis=1).to_numpy() == approx(np.ones(49))
    assert 0.0 < found["going on"][12] < 1.0
    assert (tied.cause == 0).any()  # some are censored
    lived = np.where(tied.cause > 0, tied.ended, 48) - np.maximum(tied.formed - 1, 0)
    assert (lived == tied.age).all()


def test_survival_of_a_small_example():
    """Three of a horizon of 10: ended after 2 months, signed in month 7 (4 months, censored), ended after 8."""
    rows = np.zeros(4, dtype=[(name, "i8") for name in ("exists", "cause", "formed", "ended")]).view(np.recarray)
    rows.exists[:3], rows.cause[:3] = 1, [1, 0, 3]
    rows.formed[:3], rows.ended[:3] = [0, 7, 1], [2, 0, 8]
    table = survival_table(lifetimes(rows, 10))
    assert table["going on"].to_numpy() == approx([1, 1, *[2 / 3] * 6, 0, 0, 0])
    assert table["distrust"].iloc[-1] == approx(1 / 3)
    assert table["strategic change"].iloc[-1] == approx(2 / 3)  # the censored one counts as the one that was watched


def test_survival_without_censoring_is_plain_shares():
    result = simulate(market(partners=2, search_rate=0.0, capacity=2), 8, seed=6)
    a = result.alliances
    assert (a.formed == 0).all()
    table = result.survival()
    for month in (0, 1, 7, 30, 48):
        alive = (a.cause == 0) | (a.ended > month)
        assert table["going on"][month] == approx(alive.mean())
        for c, name in enumerate(CAUSES_OF_ENDING[1:], start=1):
            assert table[name][month] == approx(((a.cause == c) & (a.ended <= month)).mean())


# ---------------------------------------------------------------------------------------------------------------
# Growing arrays
# ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scenario", [market(), market(organizations=20, capacity=8, exogenous_exit=0.3, vetting=0)])
def test_arrays_that_must_grow_change_nothing(scenario, monkeypatch):
    """Room for the signatures of one month at a time, and one row more every month, as a history has it."""
    usual, run, calls = simulate(scenario, 3, seed=8), engine.kernel.run, []

    def cramped(parameters, orgs, columns, rows, cells, count, *others):
        calls.append(count)
        return run(parameters, orgs, columns, rows[: count + len(orgs)], cells, count, *others)

    monkeypatch.setattr(engine.kernel, "run", cramped)
    tight = simulate(scenario, 3, seed=8)
    assert len(calls) > 6
    for name in ("alliances", "organizations", "ledger", "moments", "histogram"):
        assert getattr(tight, name).tobytes() == getattr(usual, name).tobytes(), name
    monkeypatch.undo()  # a history has room for all from the start
    for replicate in range(3):
        history = simulate_history(scenario, 8, replicate)
        signed = usual.alliances[replicate][usual.alliances.exists[replicate] == 1]
        assert history.alliances[-1].tobytes() == signed.tobytes()
