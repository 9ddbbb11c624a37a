"""The Mesa view is the engine's run, bit for bit, and explains itself with the engine's own numbers."""

import copy
import gc
import inspect
import math
import pickle
import weakref

import mesa
import numpy as np
import pytest

from sim.agents import MEANING_OF_CAUSE, AllianceModel, Organization
from sim.dynamics import kernel, rules
from sim.dynamics.state import CAUSES, CAUSES_OF_ENDING, LAYERS, VARIABLES
from sim.engine import LiveRun, simulate, simulate_history
from sim.library import available
from sim.parameters import SCALAR_TRAITS, VECTOR_TRAITS, Traits, meta
from sim.scenario import Scenario
from sim.tomlfile import BadFile
from tests.builders import TEXTS, busy, market

PLAIN = Scenario.from_plain({**TEXTS, "organizations": 12, "months": 30}, "plain")
EVENTFUL = busy(months=40, organizations=12)
MARKET = market(months=40)
SCENARIOS = pytest.mark.parametrize("scenario", [PLAIN, EVENTFUL, MARKET], ids=["plain", "eventful", "market"])


def stepped(model, months):
    for _ in range(months):
        model.step()
    return model


def pairs_of(model, living=True):
    """Every organization with each of its partners; never none, so that no loop over them is idle."""
    pairs = [(me, other) for me in model.organizations for other in (me.partners if living else me.all_partners)]
    assert pairs
    return pairs


# -- the same run -----------------------------------------------------------------------------------------------
@SCENARIOS
def test_every_month_is_the_engines_bit_for_bit(scenario):
    history = simulate_history(scenario, seed=7, replicate=3)
    model = AllianceModel(scenario, seed=7, replicate=3)
    for month in range(scenario.months + 1):
        assert model.live.organizations.tobytes() == history.organizations[month].tobytes()
        count = len(model.live.alliances)  # in a market the history has rows for those still to be signed
        assert model.live.alliances.tobytes() == history.alliances[month, :count].tobytes()
        if month:
            assert model.live.month_ledger.tobytes() == history.ledger[month - 1, :count].tobytes()
        model.step()


@SCENARIOS
def test_the_end_is_the_replicate_that_a_sweep_counts(scenario):
    swept = simulate(scenario, replicates=[0, 3], seed=7)
    model = AllianceModel(scenario, seed=7, replicate=3)
    model.run_model()
    assert model.live.organizations.tobytes() == swept.organizations[1].tobytes()
    signed = swept.alliances.exists[1] == 1
    assert model.live.alliances.tobytes() == swept.alliances[1, signed].tobytes()
    assert model.live.ledger.tobytes() == swept.ledger[1, signed].tobytes()


def test_step_steps_the_run_once_and_the_horizon_stops_the_model(monkeypatch):
    calls = []
    once = LiveRun.step
    monkeypatch.setattr(LiveRun, "step", lambda self: (calls.append(self.month), once(self)))
    model = AllianceModel(PLAIN)
    assert (model.running, model.month, model.steps) == (True, 0, 0)
    stepped(model, PLAIN.months - 1)
    assert model.running
    model.run_model()
    assert not model.running
    assert calls == list(range(PLAIN.months))
    assert model.month == model.steps == PLAIN.months
    stepped(model, 1)
    assert (model.month, model.running) == (PLAIN.months + 1, False)


def test_reporters_are_the_engines_monthly_means():
    model = AllianceModel(PLAIN, seed=2)
    model.run_model()
    collected = model.datacollector.get_model_vars_dataframe()
    result = simulate(PLAIN, replicates=1, seed=2)
    count, total = result.moments[0, :, :, 0], result.moments[0, :, :, 1]
    for name in ("trust", "communication", "value"):
        v = VARIABLES.index(name)
        np.testing.assert_allclose(collected[f"mean_{name}"], total[:, v] / count[:, v], rtol=1e-12)
    np.testing.assert_allclose(collected["share_alive"], result.survival()["going on"], rtol=1e-12)
    assert 0 < collected["share_alive"].iloc[-1] < 1  # some ended, so the means really are over the living

    agents = model.datacollector.get_agent_vars_dataframe()
    assert len(agents) == PLAIN.organizations * (PLAIN.months + 1)
    last = agents.xs(PLAIN.months, level="Step")
    np.testing.assert_allclose(last["value"].sum(), result.alliances.value.sum(), rtol=1e-12)
    assert last["partners"].sum() == 2 * result.alliances.alive.sum()


def test_reporters_stand_an_extinct_population():
    model = AllianceModel(PLAIN, exogenous_exit=1.0)
    model.step()
    assert model.share_alive == 0.0
    assert math.isnan(model.mean_trust)
    assert all(math.isnan(one.mean_trust) and math.isnan(one.mean_trust_received) for one in model.organizations)
    assert math.isfinite(model.mean_value)


def test_what_is_collected_of_an_agent_is_what_it_says_of_itself():
    """The reporters read arrays of the whole month; the attributes ask one by one."""
    for scenario in (PLAIN, EVENTFUL, MARKET):
        model = stepped(AllianceModel(scenario, seed=5), 20)
        noted = model.datacollector.get_agent_vars_dataframe().xs(20, level="Step")
        named = {"partners": "partner_count", "trust": "mean_trust", "trusted": "mean_trust_received"}
        assert len(noted) == len(model.organizations)
        for column in noted:
            said = [getattr(one, named.get(column, column)) for one in model.organizations]
            np.testing.assert_allclose(noted[column].to_numpy(dtype=float), said, rtol=1e-12)
        assert noted["partners"].nunique() > 1 or scenario is PLAIN


def test_what_is_collected_can_be_chosen():
    model = stepped(AllianceModel(PLAIN, collect="model"), 3)
    assert list(model.datacollector.get_model_vars_dataframe()) == [
        "share_alive", "mean_trust", "mean_communication", "mean_value"
    ]  # fmt: skip
    assert model.datacollector.agent_reporters == {}
    bare = stepped(AllianceModel(PLAIN, collect="nothing"), 3)
    assert bare.datacollector.model_reporters == {}
    assert bare.live.alliances.tobytes() == model.live.alliances.tobytes()
    with pytest.raises(ValueError, match="collect: 'modle' is not allowed; did you mean 'model'"):
        AllianceModel(PLAIN, collect="modle")


def test_reporters_do_not_ask_agents_one_by_one(monkeypatch):
    asked = []
    monkeypatch.setattr(Organization, "partners", property(lambda self: asked.append(self.row)))
    stepped(AllianceModel(PLAIN), 2)
    assert asked == []


# -- what happened ----------------------------------------------------------------------------------------------
@SCENARIOS
def test_events_of_all_months_add_up_to_the_totals_of_the_alliances(scenario):
    model = AllianceModel(scenario, seed=3)
    assert all(one.events_this_month() == () for one in model.organizations)
    found = []
    for _ in range(scenario.months):
        model.step()
        found += [(one, event) for one in model.organizations for event in one.events_this_month()]
    ties = model.live.alliances
    mine = [event for _, event in found if event.partner and not event.what.startswith("partner's")]
    problems = [event for event in mine if event.became in ("hard talk", "blame", "festering")]
    frictions = sum(event.what == "friction" for event in problems)
    assert len(problems) - frictions / 2 == (ties.hard_talks + ties.blames + ties.festered).sum()
    assert sum(event.what == "met together" for event in mine) == 2 * ties.met_together.sum()
    assert sum(event.what == "end" for event in mine) == 2 * (ties.alive == 0).sum()
    shirked = [event for event in mine if event.what.startswith("shirking")]
    assert len(shirked) == ties.shirks.sum()
    theirs = sum(event.what.startswith("partner's shirking") for _, event in found)
    assert theirs == len(shirked)


def test_dated_events_are_told_to_those_whom_they_befall():
    model = AllianceModel(EVENTFUL)
    told = {}
    for month in range(1, 21):
        model.step()
        for one in model.organizations:
            told |= {(month, one.row): [str(event) for event in one.events_this_month() if event.partner is None]}
    assert told[4, 1] == ["month 4: breach@4"]
    assert told[4, 0] == []
    assert all(told[8, row] == ["month 8: crash@8"] for row in range(12))
    (row,) = EVENTFUL.rows("guarded")[:1]
    assert told[20, row] == ["month 20: breach@20"]


# -- making a model ---------------------------------------------------------------------------------------------
def test_a_scenario_is_given_as_itself_by_name_or_by_path():
    name, path = next(iter(available("scenarios").items()))
    for given in (name, path, str(path)):
        assert AllianceModel(given, market_volatility=0.2).scenario.name == name
    assert AllianceModel(PLAIN).scenario is PLAIN
    with pytest.raises(BadFile, match="no such scenario"):
        AllianceModel("nowhere")
    with pytest.raises(TypeError, match=r"a Scenario of sim\.scenario, a name or a path; got 3"):
        AllianceModel(3)


def test_settings_change_the_scenario():
    model = AllianceModel(EVENTFUL, trust_gain=0.06, **{"events.breach@4.enabled": False, "open.openness": 0.9})
    assert model.scenario == EVENTFUL.with_settings(
        {"trust_gain": 0.06, "events.breach@4.enabled": False, "open.openness": 0.9}
    )
    assert model.scenario.parameters.trust_gain == 0.06
    with pytest.raises(BadFile, match="did you mean 'trust_gain'"):
        AllianceModel(PLAIN, trust_gian=0.06)


def test_the_seed_has_two_names_and_a_default():
    assert AllianceModel(PLAIN).live.seed == AllianceModel(PLAIN, seed=None).live.seed == 1
    assert AllianceModel(PLAIN, seed=5).live.seed == AllianceModel(PLAIN, rng=np.int64(5)).live.seed == 5
    with pytest.raises(TypeError, match="seed: an integer"):
        AllianceModel(PLAIN, seed=0.5)
    with pytest.raises(ValueError, match="out of range"):
        AllianceModel(PLAIN, seed=-1)


@pytest.mark.parametrize(
    "run",
    [lambda seed, one: simulate(PLAIN, [one], seed), lambda *key: simulate_history(PLAIN, *key),
     lambda *key: AllianceModel(PLAIN, *key)],
    ids=["many", "one", "mesa"],
)  # fmt: skip
def test_what_is_no_key_of_a_draw_is_refused(run):
    for key in ((1, -1), (1, 2**32), (1, 2**64), (-1, 0), (2**63, 0)):
        with pytest.raises(ValueError, match="integer from 0 to"):
            run(*key)
    for key in ((1, 0.5), (0.5, 0), (1, "0")):
        with pytest.raises(TypeError, match="integer"):
            run(*key)
    run(np.int64(1), np.int64(2**32 - 1))
    assert simulate(PLAIN, np.int64(2)).replicates.tolist() == [0, 1]


def test_the_scenario_of_a_model_cannot_be_replaced():
    with pytest.raises(AttributeError, match="make another AllianceModel"):
        AllianceModel(PLAIN).scenario = EVENTFUL


# -- copies, pickles and what is left behind --------------------------------------------------------------------
COPIES = pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model)),
     lambda model: pickle.loads(pytest.importorskip("cloudpickle").dumps(model))],
    ids=["deepcopy", "copy", "pickle", "cloudpickle"],
)  # fmt: skip


@COPIES
@pytest.mark.parametrize("scenario", [EVENTFUL, MARKET], ids=["eventful", "market"])
def test_a_copy_goes_on_with_the_same_bits_apart_from_the_original(scenario, copied):
    model = stepped(AllianceModel(scenario, seed=3), 9)
    twin = copied(model)
    assert twin.live.alliances.tobytes() == model.live.alliances.tobytes()
    stepped(twin, 8)
    assert (model.month, twin.month, twin.steps) == (9, 17, 17)
    stepped(model, 8)
    for array in ("organizations", "alliances", "ledger", "month_ledger"):
        assert getattr(twin.live, array).tobytes() == getattr(model.live, array).tobytes()
    collected, original = (one.datacollector.get_agent_vars_dataframe() for one in (twin, model))
    assert collected.equals(original)
    twin.run_model()
    assert (twin.month, model.month) == (scenario.months, 17)


@COPIES
def test_the_organizations_of_a_copy_are_views_of_its_own_run(copied):
    model = stepped(AllianceModel(MARKET, seed=4), 12)
    twin = stepped(copied(model), 3)
    assert list(twin.agents) == list(twin.organizations)
    for one, original in zip(twin.organizations, model.organizations, strict=True):
        assert one is not original
        assert one.model is twin
        assert one.reputation == twin.live.organizations.reputation[one.row]
        before = original.openness
        one.openness = 0.125
        assert (one.openness, twin.live.organizations.openness[one.row], original.openness) == (0.125, 0.125, before)
    for me, other in pairs_of(twin):
        assert other.model is twin
        assert me.alliance_with(other).formed <= twin.month
    one = copied(model.organizations[2])
    assert one.model.organizations[2] is one or copied is copy.copy


def test_nothing_keeps_a_model_that_nobody_refers_to():
    model = stepped(AllianceModel(PLAIN), 2)
    twin = copy.deepcopy(model)
    kept = [weakref.ref(one) for one in (model, model.live, model.organizations[0], twin, twin.live)]
    del model, twin
    gc.collect()
    assert [one() for one in kept] == [None] * len(kept)


# -- what Mesa lets one do --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda model: model.organizations[0].remove(), "stays for the whole run.*capacity = 0"),
        (lambda model: model.agents.do("remove"), "stays for the whole run"),
        (lambda model: model.remove_all_agents(), "stays for the whole run"),
        (lambda model: model.deregister_agent(model.organizations[0]), "stays for the whole run"),
        (lambda model: Organization(model, 0), "organizations of its scenario"),
        (lambda model: Organization.create_agents(model, 2, row=0), "organizations of its scenario"),
        (lambda model: model.register_agent(model.organizations[0]), "organizations of its scenario"),
        (lambda model: model.organizations[0].step(), r"model\.step\(\) is a month for everybody"),
        (lambda model: model.agents.shuffle_do("step"), r"model\.step\(\) is a month for everybody"),
        (lambda model: model.organizations[0].advance(), r"model\.step\(\) is a month for everybody"),
        (lambda model: model.reset_randomizer(3), r"AllianceModel\(scenario, seed=…\)"),
        (lambda model: model.reset_rng(3), r"AllianceModel\(scenario, seed=…\)"),
    ],
)
def test_what_a_run_cannot_follow_is_refused_in_words(act, words):
    model, other = AllianceModel(PLAIN), AllianceModel(PLAIN)
    with pytest.raises(RuntimeError, match=words):
        act(model)
    assert list(model.agents) == list(model.organizations)
    model.step()
    assert model.live.alliances.tobytes() == stepped(other, 1).live.alliances.tobytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("monitorng", "no attribute 'monitorng'; did you mean 'monitoring'"),
        ("Openness", "did you mean 'openness'"),
        ("note", "no attribute 'note'"),
        ("reputation", "reputation of an organization cannot be set"),
        ("unique_id", "unique_id of an organization cannot be set"),
        ("row", "row of an organization cannot be set"),
        ("record", "record of an organization cannot be set"),
        ("model", "model of an organization cannot be set"),
        ("mean_trust", "mean_trust of an organization cannot be set"),
    ],
)
def test_what_is_no_trait_of_an_organization_cannot_be_set(name, words):
    model = AllianceModel(PLAIN)
    for act in (lambda: setattr(model.organizations[1], name, 5), lambda: model.agents.set(name, 5)):
        with pytest.raises(AttributeError, match=words):
            act()
    assert name not in vars(model.organizations[1]) or vars(model.organizations[1])[name] != 5
    model.organizations[1].pos = (2, 3)  # Mesa's spaces write it


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("trust_gain", r"keeps the trust_gain that it was made with: AllianceModel\(…, trust_gain=…\)"),
        ("openness", "keeps the openness"),
        ("months", "keeps the months"),
        ("seed", "keeps the seed"),
        ("replicate", "keeps the replicate"),
        ("runing", "did you mean 'running'"),
        ("live", "make another AllianceModel"),
        ("organizations", "make another AllianceModel"),
    ],
)
def test_what_would_change_nothing_in_a_model_cannot_be_set(name, words):
    model = AllianceModel(PLAIN)
    with pytest.raises(AttributeError, match=words):
        setattr(model, name, 5)
    model.grid = "mine"
    assert model.grid == "mine"


def test_a_model_may_be_extended():
    class Watched(AllianceModel):
        def __init__(self, scenario, **settings):
            super().__init__(scenario, **settings)
            self.seen = []

        def step(self):
            super().step()
            self.seen.append(self.mean_trust)

    assert stepped(Watched(PLAIN, trust_gain=0.06), 3).seen[-1] > 0


def test_agents_of_other_kinds_are_welcome():
    class Regulator(mesa.Agent):
        pass

    model = AllianceModel(PLAIN)
    first, second = Regulator(model), Regulator(model)
    assert [first.unique_id, second.unique_id] == [PLAIN.organizations + 1, PLAIN.organizations + 2]
    assert set(model.agents) == {*model.organizations, first, second}
    assert {kind: len(found) for kind, found in model.agents_by_type.items()} == {
        Organization: PLAIN.organizations, Regulator: 2,
    }  # fmt: skip
    stepped(model, 1)
    first.remove()
    assert set(model.agents) == {*model.organizations, second}
    kept = weakref.ref(model)
    del model, first, second
    gc.collect()
    assert kept() is None


def test_an_agent_set_may_be_sorted_and_emptied_without_touching_the_run():
    model = AllianceModel(PLAIN)
    agents = model.agents
    agents.sort("openness", inplace=True)
    agents.remove(model.organizations[0])
    model.agents.select(lambda one: False, inplace=True)
    model.agents_by_type[Organization].clear()
    assert len(agents) == PLAIN.organizations - 1
    assert list(model.agents) == list(model.agents_by_type[Organization]) == list(model.organizations)
    model.step()
    assert len(model.datacollector.get_agent_vars_dataframe()) == 2 * PLAIN.organizations
    with pytest.raises(AttributeError, match="cannot be replaced"):
        model.agents = agents


def test_steps_of_the_run_itself_are_seen_too():
    model, other = AllianceModel(MARKET, seed=4), AllianceModel(MARKET, seed=4)
    for _ in range(8):
        model.live.step()
    stepped(other, 8)
    assert [one.partner_count for one in model.organizations] == [one.partner_count for one in other.organizations]
    assert sum(one.value for one in model.organizations) == sum(one.value for one in other.organizations)
    stepped(model, 6)
    stepped(other, 6)
    assert [one.partner_count for one in model.organizations] == [one.partner_count for one in other.organizations]


def test_a_model_tells_in_a_line_what_it_is():
    model = stepped(AllianceModel(PLAIN, seed=7, replicate=2), 3)
    told = repr(model)
    assert told == "<AllianceModel 'plain', seed 7, replicate 2: month 3 of 30, 12 organizations, 18 alliances>"


@pytest.mark.parametrize("who", ["AOL", 0, None])
def test_a_partner_that_is_no_organization_is_refused(who):
    me = AllianceModel(MARKET).organizations[0]
    for ask in (me.explain, me.trust_in, me.alliance_with, me.side_in, me.monitoring_of, me.has_met):
        with pytest.raises(TypeError, match=r"partner: one of model\.organizations, got"):
            ask(who)


# -- batch_run --------------------------------------------------------------------------------------------------
def test_batch_run_over_replicates_and_a_parameter():
    rows = mesa.batch_run(
        AllianceModel,
        parameters={"scenario": PLAIN, "replicate": range(2), "trust_gain": [0.02, 0.08]},
        data_collection_period=1,
        display_progress=False,
    )
    trust = VARIABLES.index("trust")
    for gain in (0.02, 0.08):
        moments = simulate(PLAIN.replace(trust_gain=gain), replicates=2).moments[:, :, trust]
        for replicate in range(2):
            mine = [row for row in rows if (row["trust_gain"], row["replicate"]) == (gain, replicate)]
            assert {row["AgentID"] for row in mine} == set(range(1, PLAIN.organizations + 1))
            assert {row["Step"] for row in mine} >= set(range(PLAIN.months))
            for row in mine:
                count, total, _ = moments[replicate, int(row["Step"])]
                assert row["mean_trust"] == pytest.approx(total / count, rel=1e-12)


@pytest.mark.skipif("rng" not in inspect.signature(mesa.batch_run).parameters, reason="needs Mesa 3.4")
def test_batch_run_over_seeds():
    rows = mesa.batch_run(AllianceModel, parameters={"scenario": PLAIN}, rng=[4, 5], display_progress=False)
    for seed in (4, 5):
        model = AllianceModel(PLAIN, seed=seed)
        model.run_model()
        value = model.datacollector.get_agent_vars_dataframe()["value"]
        mine = [row for row in rows if row["seed"] == seed]
        assert len(mine) == PLAIN.organizations
        for row in mine:
            assert row["Step"] >= PLAIN.months - 1
            assert row["value"] == value[int(row["Step"]), row["AgentID"]]


# -- organizations ----------------------------------------------------------------------------------------------
def test_organizations_show_their_traits_live():
    model = AllianceModel(EVENTFUL)
    one = model.organizations[4]
    for name in Traits.model_fields:
        np.testing.assert_array_equal(getattr(one, name), model.live.organizations[name][4])
        assert meta(Traits.model_fields[name])["unit"] in getattr(Organization, name).__doc__
    for name in SCALAR_TRAITS:
        assert isinstance(getattr(one, name), float)
        setattr(one, name, 0.25)
        assert model.live.organizations[name][4] == 0.25
    for name in VECTOR_TRAITS:
        getattr(one, name)[2] = 0.125
        assert model.live.organizations[name][4, 2] == 0.125
        setattr(one, name, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
        np.testing.assert_array_equal(model.live.organizations[name][4], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@pytest.mark.parametrize(("trait", "value"), [("openness", 0.0), ("competence", 1.1), ("turnover", math.nan)])
def test_a_trait_out_of_range_is_refused(trait, value):
    one = AllianceModel(PLAIN).organizations[0]
    before = getattr(one, trait)
    with pytest.raises(ValueError, match=f"{trait}: a number from .* got {value}"):
        setattr(one, trait, value)
    assert getattr(one, trait) == before


@pytest.mark.parametrize(
    ("trait", "value", "error"),
    [("openness", "high", TypeError), ("openness", [0.5, 0.5], ValueError), ("openness", None, ValueError),
     ("professed", [0.5, 0.5], ValueError), ("professed", "0,1", TypeError)],
)  # fmt: skip
def test_a_trait_that_is_no_number_is_refused_in_words(trait, value, error):
    with pytest.raises(error, match=f"{trait}: a number.* from .* got "):
        setattr(AllianceModel(PLAIN).organizations[0], trait, value)


@pytest.mark.parametrize("trait", ["openness", "operationalization", "relational_investment"])
def test_setting_a_trait_is_a_dated_change(trait):
    event = {"kind": "change", "month": 7, "trait": trait, "to": 0.9}
    dated = Scenario.from_plain({**PLAIN.written, "events": [event]}, "dated")
    history = simulate_history(dated)
    model = stepped(AllianceModel(PLAIN), 6)
    model.agents.set(trait, 0.9)
    model.run_model()
    assert model.live.organizations.tobytes() == history.organizations[-1].tobytes()
    assert model.live.alliances.tobytes() == history.alliances[-1].tobytes()
    assert model.live.alliances.tobytes() != simulate_history(PLAIN).alliances[-1].tobytes()


def test_mesas_agent_sets_work_on_them():
    model = stepped(AllianceModel(EVENTFUL), 5)
    records = model.live.organizations
    assert list(model.agents) == list(model.organizations)
    assert [one.unique_id for one in model.organizations] == list(range(1, EVENTFUL.organizations + 1))
    assert len(model.agents.select(lambda one: one.openness > 0.7)) == (records.openness > 0.7).sum()
    assert model.agents.agg("integrity", max) == records.integrity.max()
    assert model.agents.get("row") == list(range(EVENTFUL.organizations))
    assert model.agents.groupby("group").count() == {"open": 8, "guarded": 4}
    assert sum(model.agents.get("value")) == pytest.approx(model.live.alliances.value.sum(), rel=1e-12)
    model.agents.do(lambda one: setattr(one, "blame", one.blame / 2))
    np.testing.assert_array_equal(records.blame, [one.blame for one in model.organizations])


def test_partners_and_what_is_between_them():
    model = stepped(AllianceModel(EVENTFUL), 20)
    alliances = model.live.alliances
    assert len(pairs_of(model, living=False)) == 2 * len(alliances)
    assert len(pairs_of(model)) == 2 * alliances.alive.sum() < 2 * len(alliances)
    for me, other in pairs_of(model, living=False):
        tie, side = me.alliance_with(other), me.side_in(other)
        assert (tie.org[side], tie.org[1 - side]) == (me.row, other.row)
        assert me.trust_in(other) == tie.effective[side]
        assert me.monitoring_of(other) == tie.monitoring[side]
        assert other.alliance_with(me).value[1 - side] == tie.value[1 - side]
        assert (other in me.partners) == (tie.alive == 1)
    me, other = pairs_of(model)[0]
    me.alliance_with(other).chemistry = 0.125  # records are live: the next month uses what is set
    assert alliances.chemistry[me.place_with(other)[0]] == 0.125
    stranger = next(one for one in model.organizations if one not in me.all_partners and one is not me)
    for nobody in (me, stranger, AllianceModel(EVENTFUL).organizations[other.row]):
        with pytest.raises(ValueError, match=f"{me.name} has no alliance with {nobody.name}; its partners are: "):
            me.trust_in(nobody)


def test_an_only_member_bears_its_groups_name():
    duo = {**PLAIN.written, "organizations": 2, "groups": [{"name": "AOL"}, {"name": "Time Warner"}]}
    aol, warner = AllianceModel(Scenario.from_plain(duo)).organizations
    assert (aol.name, aol.group, warner.name) == ("AOL", "AOL", "Time Warner")
    assert repr(aol) == "<Organization 'AOL', row 0>"
    assert "Trust of AOL in Time Warner on the day of the signature" in str(aol.explain(warner))
    assert AllianceModel(PLAIN).organizations[4].name == "organization 5"


# -- explaining -------------------------------------------------------------------------------------------------
def test_the_ledgers_terms_sum_to_the_change():
    model = AllianceModel(EVENTFUL, seed=11)
    seen = set()
    for _ in range(16):
        before = {pair: pair[0].trust_in(pair[1]) for pair in pairs_of(model)}
        model.step()
        for (me, other), trust in before.items():
            explained = me.explain(other)
            terms = [term for term in explained.terms if term.role == "term"]
            for part, start in (
                ("this month", trust),
                ("over life", me.alliance_with(other).trust_start[me.side_in(other)]),
            ):
                for layer in LAYERS:
                    total = sum(term.value for term in terms if (term.part, term.layer) == (part, layer))
                    assert total == pytest.approx(explained.result(part, layer), abs=1e-13)
                assert explained.result(part, "effective") == me.trust_in(other) - start
            assert "set by hand" not in {term.term for term in terms}
            seen |= {term.term for term in terms if term.value != 0}
    assert seen >= set(CAUSES) - {"bound"}  # the run met every cause, so every cause has been added up


def test_the_shares_of_people_and_organization_make_effective_trust():
    model = stepped(AllianceModel(EVENTFUL), 6)
    for me, other in pairs_of(model):
        tie, side = me.alliance_with(other), me.side_in(other)
        now = me.explain(other).table().query("part == 'trust now'").set_index("term")["value"]
        share = model.scenario.parameters.ties_weight * tie.ties
        assert now["effective trust"] == me.trust_in(other)
        assert now["people"] + now["organization"] == pytest.approx(me.trust_in(other), abs=1e-14)
        assert now["people"] == pytest.approx(share * tie.personal[side], rel=1e-14)
        assert now["organization"] == pytest.approx((1 - share) * tie.trust[side], rel=1e-14)


@pytest.mark.parametrize("clamped", [False, True])
@pytest.mark.parametrize("scenario", [EVENTFUL, MARKET], ids=["eventful", "market"])
def test_what_it_foresees_is_what_the_next_month_does(scenario, clamped):
    model = stepped(AllianceModel(scenario, clamp_monitoring=clamped, blame=0.3), 4)
    foreseen = {pair: pair[0].explain(pair[1]) for pair in pairs_of(model)}
    assert len({explained.result("monitoring") for explained in foreseen.values()}) > 2
    model.step()
    for (me, other), explained in foreseen.items():
        tie, side = me.alliance_with(other), me.side_in(other)
        assert explained.result("communication") == tie.disclosure
        assert explained.result("monitoring") == tie.monitoring[side]
        assert explained.result("extra mile") == tie.effort[side]
        assert explained.result("delegation") == tie.delegation[side]


def test_readiness_to_adapt_is_the_chance_that_the_kernel_draws_against():
    model = stepped(AllianceModel(EVENTFUL), 5)
    p = model.live.parameters
    watch, adapts = (getattr(step, "py_func", step) for step in (kernel.watch, kernel.adapts))
    for me, other in pairs_of(model):
        tie, side = me.alliance_with(other), me.side_in(other)
        chance = me.explain(other).result("readiness to adapt")
        assert p.adapt_floor < chance < 1
        watch(p, other.record, me.record, tie, 1 - side)  # what the partner does before I decide
        assert adapts(p, me.record, tie, side, chance - 1e-12)
        assert not adapts(p, me.record, tie, side, chance + 1e-12)


def test_the_terms_of_what_follows_combine_as_said():
    model, alarms = stepped(AllianceModel(EVENTFUL), 5), set()
    for me, other in pairs_of(model):
        table = me.explain(other).table()
        part = {name: rows.set_index("term")["value"] for name, rows in table.groupby("part")}
        talk, watch = part["communication"], part["monitoring"]
        needs = part["trust that talk needs"]
        assert needs["needed"] == pytest.approx(needs["half"] / (needs["internal trust"] * needs["ties"]), rel=1e-12)
        p = model.scenario.parameters
        mutual = math.sqrt(me.trust_in(other) * other.trust_in(me))
        assert talk["willingness"] == pytest.approx(rules.hill(mutual, needs["needed"], p.trust_steepness), rel=1e-12)
        product = talk[["willingness", "channels", "openness"]].prod()
        assert talk["disclosure"] == pytest.approx(talk["floor"] + (1 - talk["floor"]) * product, rel=1e-12)
        assert watch["monitoring"] == max(watch["floor"], watch["multiplied"])
        assert 0.0 <= watch["alarm"] <= watch["optimum"]
        alarms.add(watch["alarm"] > 0.0)
        assert watch["multiplied"] == pytest.approx(me.monitoring * watch["optimum"], rel=1e-12)
        mile, ready = part["extra mile"], part["readiness to adapt"]
        assert mile["score"] == pytest.approx(mile[["base", "chemistry", "trust", "frustration"]].sum(), rel=1e-12)
        assert mile["effort"] == pytest.approx(rules.logistic(mile["score"]), rel=1e-12)
        left = part["delegation"]
        assert left["score"] == pytest.approx(left[["base", "trust", "misreading"]].sum(), rel=1e-12)
        assert left["delegated"] == pytest.approx(rules.logistic(left["score"]), rel=1e-12)
        floor = p.adapt_floor
        assert ready["score"] == pytest.approx(ready.drop(["score", "chance"]).sum(), rel=1e-12)
        assert ready["chance"] == pytest.approx(rules.chance_to_adapt(floor, ready["score"]), rel=1e-12)
    assert alarms == {False, True}  # some partners have a bad name


def test_what_was_set_by_hand_is_owned_up_to():
    model = stepped(AllianceModel(PLAIN), 3)
    me, other = pairs_of(model)[0]
    tie, side = me.alliance_with(other), me.side_in(other)
    tie.trust[side], tie.personal[side], tie.effective[side] = 0.9, 0.9, 0.9
    ledger = me.explain(other).table().query("role == 'term' and part == 'over life' and layer == 'effective'")
    terms = ledger.set_index("term")["value"]
    assert terms.sum() == pytest.approx(0.9 - tie.trust_start[side], abs=1e-13)
    by_itself = model.live.ledger[me.place_with(other)][LAYERS.index("effective")].sum()
    assert terms["set by hand"] == pytest.approx(0.9 - tie.trust_start[side] - by_itself)
    model.step()
    assert "set by hand" not in me.explain(other).table().query("part == 'this month'")["term"].to_list()
    assert "set by hand" in str(me.explain(other))


def test_the_text_names_every_cause_that_acted():
    assert set(MEANING_OF_CAUSE) == set(CAUSES)
    model = stepped(AllianceModel(EVENTFUL), 6)
    for me, other in pairs_of(model):
        text = str(me.explain(other))
        assert text.startswith(f"Trust of {me.name} in {other.name} after month 6\n")
        ledger = model.live.ledger[me.place_with(other)][LAYERS.index("effective")]
        for cause, change in zip(CAUSES, ledger, strict=True):
            assert (MEANING_OF_CAUSE[cause] in text) == (change != 0)
        assert f"{me.trust_in(other):.4f}  effective trust" in text


def test_an_ended_alliance_says_so_and_foresees_nothing():
    model = stepped(AllianceModel(EVENTFUL), 30)
    ended = [(me, other) for me, other in pairs_of(model, living=False) if other not in me.partners]
    assert ended
    for me, other in ended:
        tie, explained = me.alliance_with(other), me.explain(other)
        assert f"(the alliance ended in month {tie.ended}: {CAUSES_OF_ENDING[tie.cause]})" in explained.title
        assert set(explained.table()["part"]) == {"trust now", "this month", "over life"}


# -- a market ---------------------------------------------------------------------------------------------------
def test_alliances_appear_and_end_while_the_model_runs():
    model = AllianceModel(MARKET, seed=4)
    assert all(one.all_partners == [] for one in model.organizations)
    assert math.isnan(model.share_alive)
    assert math.isnan(model.mean_value)
    counts = set()
    for _ in range(MARKET.months):
        model.step()
        alliances = model.live.alliances
        for one in model.organizations:
            living = alliances[(alliances.alive == 1) & (alliances.org == one.row).any(-1)]
            assert {other.row for other in one.partners} == {int(pair.sum()) - one.row for pair in living.org}
            assert one.partner_count == len(living) == one.record.engaged
            mine = alliances.value[alliances.org == one.row]
            assert one.value == pytest.approx(mine.sum(), rel=1e-12, abs=1e-12)
            assert one.reputation == model.live.organizations.reputation[one.row]
        counts.add(len(alliances))
    assert len(counts) > 5
    assert 0 < model.share_alive < 1
    collected = model.datacollector.get_agent_vars_dataframe()
    assert collected["reputation"].nunique() > 10


def test_of_several_alliances_with_one_partner_the_newest_counts():
    model = AllianceModel(market(organizations=2, months=30, exogenous_exit=1.0, arrival=0, vetting=0), seed=2)
    a, b = model.organizations
    for _ in range(6):
        model.step()
        newest = model.live.alliances[-1]
        assert a.alliance_with(b).formed == newest.formed
        assert (a.trust_in(b), b.trust_in(a)) == tuple(newest.effective)
    assert len(model.live.alliances) > 2
    assert a.partners == []
    assert a.all_partners == [b]
    assert a.value == pytest.approx(model.live.alliances.value[:, 0].sum())


def test_the_ledger_of_a_new_alliance_begins_with_its_signature():
    model, new = AllianceModel(MARKET, seed=4), 0
    for _ in range(20):
        model.step()
        for me, other in [(one, other) for one in model.organizations for other in one.partners]:
            tie, side = me.alliance_with(other), me.side_in(other)
            if tie.formed == model.month:
                new += 1
                explained = me.explain(other)
                for part in ("this month", "over life"):
                    assert explained.result(part, "effective") == tie.effective[side] - tie.trust_start[side]
                assert "set by hand" not in set(explained.table()["term"])
    assert new > 10


def test_the_appeal_of_a_candidate_is_what_a_search_sees():
    model, kinds = AllianceModel(MARKET, seed=4), set()
    p = model.live.parameters
    appeal_of = getattr(kernel.appeal_of, "py_func", kernel.appeal_of)
    for _ in range(25):
        model.step()
    for me in model.organizations:
        for other in model.organizations:
            if other is me or other in me.partners:
                continue
            explained = me.explain(other)
            terms = explained.table().query("part == 'appeal' and role == 'term'").set_index("term")["value"]
            who = other.record
            seen = appeal_of(p, me.record, who.key, who.reputation, other.row, model.live.seed, model.live.replicate)
            assert explained.result("appeal") == seen
            assert terms.sum() == pytest.approx(seen, abs=1e-14)
            assert (terms["memory"] != 0.0) == (other.row in me.record.past)
            if me.has_met(other):
                assert "(the alliance ended in month" in explained.title
            else:
                assert explained.title == f"Appeal of {other.name} to {me.name} after month 25"
                assert set(explained.table()["part"]) == {"appeal"}
            kinds.add(me.has_met(other))
    assert kinds == {False, True}
    me = model.organizations[0]
    with pytest.raises(ValueError, match="has no alliance with"):
        me.explain(me)
    with pytest.raises(ValueError, match="has no alliance with"):
        me.explain(AllianceModel(MARKET, seed=4).organizations[1])
    for partner in (other for one in model.organizations for other in one.partners):
        assert "appeal" not in set(partner.explain(partner.partners[0]).table()["part"])


def test_a_change_of_capacity_by_hand_counts_from_the_next_month_on():
    model = AllianceModel(MARKET, capacity=0, arrival=0, vetting=0, search_rate=1.0)
    stepped(model, 3)
    assert len(model.live.alliances) == 0
    model.agents.set("capacity", 2)
    stepped(model, 2)
    assert len(model.live.alliances) > 0
