"""The Mesa view: organizations as agents, on the same arrays and the same month as every other run.

Nothing is simulated here. ``AllianceModel.step`` calls :meth:`sim.engine.LiveRun.step` once, and an ``Organization``
reads and writes its row of that run's records, so a run in Mesa is bit for bit the replicate that a sweep counts.
``organization.explain(partner)`` says term by term why trust is what it is and what follows from it, with the functions
of :mod:`sim.dynamics.rules` that the kernel calls. In a market, alliances are signed and end while the model runs, and
``explain`` also says what speaks for a candidate.
"""

from __future__ import annotations

import copy
import difflib
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic.fields import FieldInfo

from sim.distributions import shown
from sim.dynamics import kernel, rules
from sim.dynamics.draws import check_seed
from sim.dynamics.state import CAUSES_OF_ENDING, EFFECTIVE, LAYERS, MEANING_OF_CAUSE, SET_TRAIT, TRAIT_NUMBER
from sim.engine import LiveRun, float_view
from sim.library import find
from sim.parameters import DIMENSIONS, VECTOR_TRAITS, Traits, meta
from sim.scenario import PLACE_OF, Scenario, load
from sim.sides import happenings
from sim.tomlfile import did_you_mean

with warnings.catch_warnings():  # Mesa's progress bar complains in notebooks that lack a widget; we show no such bar
    warnings.filterwarnings("ignore", message="IProgress not found")
    import mesa

Record = Any
"""A NumPy record: a live row of the run's arrays; fields as in :mod:`sim.dynamics.state`."""

ROUNDING = 1e-9
"""Trust that the ledger does not account for is shown from here on: somebody set a state by hand."""

SLIP = 0.8
"""Likeness from which on a new attribute of a model is taken for a slip of the pen (difflib's ratio)."""


# ---------------------------------------------------------------------------------------------------------------
# The model
# ---------------------------------------------------------------------------------------------------------------
class AllianceModel(mesa.Model):  # type: ignore[misc]  # Mesa ships no types
    """One replicate of a scenario as a Mesa model. A step is a month.

    Args:
        scenario: a :class:`sim.scenario.Scenario`, the name of an available one, or the path of a TOML file.
        seed: integer in [0, 2**63); ``None``, which Mesa's ``batch_run`` passes, stands for 1.
        replicate: which replicate of the seed, integer in [0, 2**32).
        rng: Mesa's newer name of ``seed``; takes its place when given.
        collect: what the datacollector notes each month: "all", of the model and of each agent; "model"; or "nothing".
        settings: changes to the scenario, keys as in :meth:`sim.scenario.Scenario.replace`
            (``trust_gain=0.06``, ``partners=2``, ``openness={"normal": [0.8, 0.1]}``).

    Attributes:
        live: the run; its arrays hold the whole state, and the next month uses what they hold.
        organizations: the agents, in the order of the scenario; ``model.agents`` is an AgentSet of them, a new one each
            time, so that what is sorted or dropped in it changes nothing here. All are there from the start, also those
            whose ``arrival`` in the market is still to come, and all stay: ``remove`` is refused.
        datacollector: model and agent reporters, one entry a month from month 0 (the signature).
        running: False from the horizon on. ``step`` goes on beyond it when it is called all the same.

    Every draw is keyed by seed and replicate, so Mesa's own ``model.random`` and ``model.rng`` decide nothing. In
    ``batch_run`` vary ``replicate``: the argument ``iterations`` repeats one and the same run, and from Mesa 3.4 on a
    ``seed`` among the parameters is overwritten by ``batch_run``'s own ``rng``. (Before Mesa 3.5, ``batch_run`` reports
    the last month but one as the last; its column ``Step`` says so.)

    A model can be pickled and copied at any month; the copy goes on with the same bits, apart from the original. It is
    released with the last reference to it: Mesa 3.3 keeps every model in ``Agent._ids``, and this one is taken out.

    Raises:
        sim.tomlfile.BadFile: when the scenario cannot be found or a setting is wrong.
        TypeError, ValueError: when the seed or the replicate is no integer or out of range.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path,
        seed: int | None = 1,
        replicate: int = 0,
        rng: int | None = None,
        collect: str = "all",
        **settings: Any,
    ) -> None:
        if collect not in COLLECTED:
            raise ValueError(f"collect: {shown(collect)} is not allowed{did_you_mean(str(collect), COLLECTED)}")
        chosen = _scenario(scenario).replace(**settings)
        key = _seed(seed if rng is None else rng)
        super().__init__(rng=key)
        self.live = LiveRun(chosen, key, replicate)
        self.organizations = tuple(Organization(self, row) for row in range(chosen.organizations))
        _forget(self)
        self.layers_before = _layers(self.live.alliances)
        self._introduced = 0
        self.introduce()
        of_model, of_agents = COLLECTED[collect]
        self.datacollector = mesa.DataCollector(
            model_reporters={name: name for name in of_model},
            agent_reporters={name: _Reporter(name, attribute) for name, attribute in of_agents.items()},
        )
        self._columns: dict[str, list[Any]] = {}
        self.collect()

    def __repr__(self) -> str:
        live = self.live
        return (
            f"<AllianceModel {self.scenario.name!r}, seed {live.seed}, replicate {live.replicate}: "
            f"month {self.month} of {self.scenario.months}, {len(self.organizations)} organizations, "
            f"{len(live.alliances)} alliances>"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse what would be taken in silence and change nothing; other attributes are yours to set."""
        if "organizations" in vars(self):
            if name in ("live", "organizations"):
                raise AttributeError(f"{name}: a model keeps the run that it was made with: make another AllianceModel")
            if name in (*PLACE_OF, "seed", "replicate"):
                raise AttributeError(f"a model keeps the {name} that it was made with: AllianceModel(…, {name}=…)")
            if not (name.startswith("_") or name in vars(self) or hasattr(type(self), name)):
                for near in difflib.get_close_matches(name, _public(self), n=1, cutoff=SLIP):
                    raise AttributeError(f"a model has no attribute {name!r}; did you mean {near!r}?")
        super().__setattr__(name, value)

    def __copy__(self) -> AllianceModel:
        """As ``copy.deepcopy``: two models that shared half of a run would spoil each other's months."""
        return copy.deepcopy(self)

    # What Mesa lets one do to agents and to chance, and what a run that is keyed beforehand cannot follow
    @property
    def agents(self) -> mesa.agent.AgentSet:
        """All agents, as a new AgentSet."""
        return copy.copy(super().agents)

    @agents.setter
    def agents(self, _: object) -> None:
        raise AttributeError("the agents of a model are the organizations of its scenario: they cannot be replaced")

    @property
    def agents_by_type(self) -> dict[type[mesa.Agent], mesa.agent.AgentSet]:
        """The agents of each kind, as new AgentSets."""
        return {kind: copy.copy(found) for kind, found in super().agents_by_type.items()}

    def register_agent(self, agent: mesa.Agent) -> None:
        """Mesa calls this for each new agent. Agents of your own kinds are welcome; organizations are all there.

        Raises:
            RuntimeError: for one more organization.
        """
        made = "organizations" in vars(self)
        if made and isinstance(agent, Organization):
            _forget(self)
            raise RuntimeError(
                "a run has the organizations of its scenario: AllianceModel(scenario, organizations=…), and in a "
                "market the trait arrival says when each comes"
            )
        super().register_agent(agent)
        if made:  # Mesa has forgotten how far it had counted
            agent.unique_id = 1 + max(other.unique_id for other in super().agents if other is not agent)
            _forget(self)

    def deregister_agent(self, agent: mesa.Agent) -> None:
        """Mesa calls this when an agent is removed.

        Raises:
            RuntimeError: for an organization, because the run would go on with it.
        """
        if isinstance(agent, Organization):
            raise RuntimeError(
                f"{agent.name} stays for the whole run: its partners' alliances hang on it. In a market capacity = 0 "
                "keeps it from new ones; AllianceModel(scenario, organizations=…) makes a run of fewer"
            )
        super().deregister_agent(agent)

    def reset_randomizer(self, seed: int | None = None) -> None:
        """Refused: see :meth:`reset_rng`."""
        self.reset_rng(seed)

    def reset_rng(self, rng: Any = None) -> None:
        """Refused, because it would change nothing.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            "every draw is keyed by seed and replicate: AllianceModel(scenario, seed=…) makes another run"
        )

    @property
    def scenario(self) -> Scenario:
        """The scenario, settings included."""
        return self.live.scenario

    @scenario.setter
    def scenario(self, _: object) -> None:
        """Let Mesa 3.5 put its own kind of scenario here while it sets up; nobody can change ours afterwards."""
        if "live" in vars(self):
            raise AttributeError("a model keeps the scenario that it was made with: make another AllianceModel")

    @property
    def month(self) -> int:
        """Months done; 0 on the day of the signature."""
        return self.live.month

    def step(self) -> None:
        """One month for everybody. In a market, this month's signatures are the last rows of ``live.alliances``."""
        before = _layers(self.live.alliances)
        self.live.step()
        self.introduce()
        signed = self.live.alliances.trust_start[len(before) :]
        self.layers_before = np.concatenate([before, np.repeat(signed[..., None], len(LAYERS), axis=-1)])
        self.running = self.month < self.scenario.months
        self.collect()

    def collect(self) -> None:
        """Let the datacollector note this month; ``step`` calls it."""
        if self.datacollector.agent_reporters:
            self._columns = _columns(self.live)
        self.datacollector.collect(self)

    def introduce(self) -> None:
        """Tell both partners of each alliance that is new, also by a step of ``live`` itself, where it stands."""
        if self._introduced == len(self.live.alliances):
            return
        first, self._introduced = self._introduced, len(self.live.alliances)
        for row, (a, b) in enumerate(self.live.alliances.org[first:].tolist(), start=first):
            self.organizations[a].allied(b, row, side=0)
            self.organizations[b].allied(a, row, side=1)

    @property
    def share_alive(self) -> float:
        """Share of the alliances signed so far that go on, [0, 1]; NaN before the first."""
        return _mean(self.live.alliances.alive)

    @property
    def mean_trust(self) -> float:
        """Mean effective trust over the living alliances and both sides, [0, 1]; NaN when none lives."""
        return self._mean_of_living(self.live.alliances.effective)

    @property
    def mean_communication(self) -> float:
        """Mean communication over the living alliances, [0, 1]; NaN when none lives."""
        return self._mean_of_living(self.live.alliances.communication)

    @property
    def mean_value(self) -> float:
        """Mean net value so far of an alliance, both sides together, ended ones included, money; NaN without any."""
        return _mean(self.live.alliances.value.sum(-1))

    def _mean_of_living(self, values: NDArray[np.float64]) -> float:
        return _mean(values[self.live.alliances.alive == 1].ravel())


def _forget(model: AllianceModel) -> None:
    """Take a model out of Mesa 3.3's table of how far ids are counted, which would keep it for good."""
    getattr(mesa.Agent, "_ids", {}).pop(model, None)


def _public(thing: object) -> list[str]:
    """Names of what anybody may use of an object."""
    return [name for name in dir(thing) if not name.startswith("_")]


MODEL_REPORTERS = ("share_alive", "mean_trust", "mean_communication", "mean_value")
AGENT_REPORTERS = {
    "partners": "partner_count",
    "trust": "mean_trust",
    "trusted": "mean_trust_received",
    "value": "value",
    "reputation": "reputation",
}
"""What is noted of an agent, and the attribute that it is."""
COLLECTED: dict[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "all": (MODEL_REPORTERS, AGENT_REPORTERS),
    "model": (MODEL_REPORTERS, {}),
    "nothing": ((), {}),
}
"""What the datacollector notes of the model and of its agents, by the argument ``collect``."""


@dataclass(frozen=True)
class _Reporter:
    """What is noted of an agent: of an organization from the arrays of its month, of others an attribute, if any.

    (Mesa makes local functions of names, and with those a model cannot be pickled.)
    """

    name: str
    attribute: str

    def __call__(self, agent: mesa.Agent) -> Any:
        if isinstance(agent, Organization):
            return agent.model._columns[self.name][agent.row]
        return getattr(agent, self.attribute, None)


def _columns(live: LiveRun) -> dict[str, list[Any]]:
    """Each of :data:`AGENT_REPORTERS` for all organizations at once, by row: asking one by one takes far longer."""
    count, ties = len(live.organizations), live.alliances
    alive = ties.alive == 1
    rows, trust = ties.org[alive], ties.effective[alive]
    partners = np.bincount(rows.ravel(), minlength=count)

    def mean(values: NDArray[np.float64]) -> list[float]:
        total = np.bincount(rows.ravel(), values.ravel(), minlength=count)
        found: list[float] = np.divide(total, partners, out=np.full(count, np.nan), where=partners > 0).tolist()
        return found

    return {
        "partners": partners.tolist(),
        "trust": mean(trust),
        "trusted": mean(trust[:, ::-1]),
        "value": np.bincount(ties.org.ravel(), ties.value.ravel(), minlength=count).tolist(),
        "reputation": live.organizations.reputation.tolist(),
    }


def _scenario(scenario: Scenario | str | Path) -> Scenario:
    """The scenario itself, or the one that a name or a path stands for."""
    if isinstance(scenario, Scenario):
        return scenario
    if isinstance(scenario, (str, Path)):
        return load(find("scenarios", scenario))
    raise TypeError(f"scenario: a Scenario of sim.scenario, a name or a path; got {scenario!r}")


def _seed(seed: Any) -> int:
    """The seed as a plain integer in range; ``None`` stands for 1."""
    if seed is None:
        return 1
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return check_seed(int(seed))
    raise TypeError(f"seed: an integer, because every draw is keyed by it; got {seed!r}")


def _layers(alliances: Record) -> NDArray[np.float64]:
    """The three layers of trust of each alliance and side, (M, 2, layers), as a copy; M may be 0."""
    return np.stack([alliances.trust, alliances.personal, alliances.effective], axis=-1)


def _mean(values: Iterable[float]) -> float:
    """Mean of some numbers; NaN when there are none."""
    values = np.fromiter(values, dtype=np.float64)
    return float(values.mean()) if len(values) else math.nan


# ---------------------------------------------------------------------------------------------------------------
# The agents
# ---------------------------------------------------------------------------------------------------------------
class Organization(mesa.Agent):  # type: ignore[misc]
    """An organization: a live view on its row of the run's records.

    Every trait of :class:`sim.parameters.Traits` is a property (``organization.openness``); what you set counts from
    the next month on. In a market an organization searches for partners from the month of its ``arrival`` on, while it
    holds fewer alliances than its ``capacity``; nobody leaves a run.

    Only traits can be set, and ``pos``, for Mesa's spaces. Copies, and those that come back from a pickle, are
    organizations of the copied model.

    Attributes:
        row: its row in ``model.live.organizations``, from 0.
        record: that row, live.
    """

    def __init__(self, model: AllianceModel, row: int) -> None:
        super().__init__(model)
        self.row = row
        self._places: list[tuple[int, int]] = []  # of all its alliances: (row of the alliance, my side)
        self._place: dict[int, tuple[int, int]] = {}  # row of the partner -> the newest of them

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse what is no trait, so that a slip of the pen is not taken for a change."""
        if "_place" in vars(self) and name != "pos" and name not in Traits.model_fields:
            if hasattr(self, name):
                raise AttributeError(f"{name} of an organization cannot be set: it is what the run makes of it")
            raise AttributeError(f"an organization has no attribute {name!r}{did_you_mean(name, Traits.model_fields)}")
        super().__setattr__(name, value)

    @property
    def record(self) -> Record:
        """Its row in ``model.live.organizations``, live; fields as in ``sim.dynamics.state.ORGANIZATION``."""
        return self.model.live.organizations[self.row]

    def step(self) -> None:
        """Refused: nobody has a month alone.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("the partners of an alliance act together: model.step() is a month for everybody")

    def advance(self) -> None:
        """Refused: see :meth:`step`."""
        self.step()

    def allied(self, partner: int, alliance: int, side: int) -> None:
        """Note a new alliance; the model calls this.

        Args:
            partner: row of the partner.
            alliance: row of the alliance.
            side: 0 when I am its side A, 1 when I am its side B.
        """
        self._places.append((alliance, side))
        self._place[partner] = (alliance, side)

    def __repr__(self) -> str:
        return f"<Organization {self.name!r}, row {self.row}>"

    @property
    def group(self) -> str:
        """Name of its group in the scenario."""
        return str(self.model.scenario.groups[self.record.group].name)

    @property
    def name(self) -> str:
        """Its group's name when it is the only member, else "organization" and its number from 1."""
        alone = self.model.scenario.sizes[self.record.group] == 1
        return self.group if alone else f"organization {self.row + 1}"

    @property
    def reputation(self) -> float:
        """What is publicly known of its conduct, (0, 1); 1/2 is neutral."""
        return float(self.record.reputation)

    @property
    def partners(self) -> list[Organization]:
        """The organizations that it is allied with now."""
        return [other for other in self.all_partners if self.alliance_with(other).alive == 1]

    @property
    def all_partners(self) -> list[Organization]:
        """The organizations that it is or was allied with."""
        self.model.introduce()
        return [self.model.organizations[row] for row in sorted(self._place)]

    @property
    def partner_count(self) -> int:
        """How many organizations it is allied with now."""
        return len(self.partners)

    @property
    def mean_trust(self) -> float:
        """Its mean effective trust in its present partners, [0, 1]; NaN without any."""
        return _mean(self.trust_in(partner) for partner in self.partners)

    @property
    def mean_trust_received(self) -> float:
        """Mean effective trust of its present partners in it, [0, 1]; NaN without any."""
        return _mean(partner.trust_in(self) for partner in self.partners)

    @property
    def value(self) -> float:
        """Its net value so far from all its alliances, ended ones included, money."""
        self.model.introduce()
        return sum(float(self.model.live.alliances.value[place]) for place in self._places)

    def alliance_with(self, partner: Organization) -> Record:
        """The live record of the alliance, fields as in ``sim.dynamics.state.ALLIANCE``; :meth:`side_in` is my side.

        Of several alliances with one partner it is the newest. In a market every month has new records: ask again after
        each step.

        Raises:
            ValueError: when the two never were allied.
        """
        return self.model.live.alliances[self.place_with(partner)[0]]

    def side_in(self, partner: Organization) -> int:
        """0 when I am side A of the alliance, 1 when I am side B: the index into its fields of two numbers."""
        return self.place_with(partner)[1]

    def trust_in(self, partner: Organization) -> float:
        """Effective trust in the partner, [0, 1]; the last one when the alliance has ended."""
        return float(self.model.live.alliances.effective[self.place_with(partner)])

    def monitoring_of(self, partner: Organization) -> float:
        """What it spent on watching the partner in the newest month, money/month."""
        return float(self.model.live.alliances.monitoring[self.place_with(partner)])

    def explain(self, partner: Organization) -> Explanation:
        """Why its trust in the partner is what it is, and what follows from it; print it, or take its ``table()``.

        In a market it also says how much a candidate, an earlier partner or a stranger, appeals to it.

        Raises:
            ValueError: when the two never were allied and the partner is no candidate either.
        """
        return explanation(self, partner)

    def events_this_month(self) -> tuple[Happening, ...]:
        """What happened to it in the newest month: dated events first, then alliance by alliance, ended ones of it too.

        On the day of the signature nothing has happened yet.
        """
        return _events_this_month(self)

    def has_met(self, partner: Organization) -> bool:
        """Whether the two are or were allied."""
        if not isinstance(partner, Organization):
            raise TypeError(f"partner: one of model.organizations, got {partner!r}")
        self.model.introduce()
        return partner.model is self.model and partner.row in self._place

    def place_with(self, partner: Organization) -> tuple[int, int]:
        """Row of the alliance with the partner, and my side in it: the index of what I hold about it.

        Raises:
            ValueError: when the two never were allied.
        """
        if self.has_met(partner):
            return self._place[partner.row]
        known = ", ".join(other.name for other in self.all_partners)
        raise ValueError(f"{self.name} has no alliance with {partner.name}; its partners are: {known or 'none'}")


def _trait(name: str, declared: FieldInfo) -> property:
    """A property that reads and writes one trait of an organization in the run's records."""
    about = meta(declared)
    several = name in VECTOR_TRAITS
    shapes = ((), (len(DIMENSIONS),)) if several else ((),)
    how_many = f"a number, or {len(DIMENSIONS)}, one a dimension," if several else "a number"

    def read(self: Organization) -> Any:
        value = self.record[name]
        return value if several else float(value)

    def write(self: Organization, value: Any) -> None:
        allowed = f"from {about['low']:g} to {about['high']:g} ({about['unit']}), got {value!r}"
        try:
            numbers = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise TypeError(f"{name}: {how_many} {allowed}") from None
        if numbers.shape not in shapes or not np.all((numbers >= about["low"]) & (numbers <= about["high"])):
            raise ValueError(f"{name}: {how_many} {allowed}")
        if several:
            self.record[name] = numbers
        else:  # exactly as a dated change does it
            columns = float_view(self.model.live.organizations)[self.row]
            kernel.change_trait(self.record, columns, SET_TRAIT, TRAIT_NUMBER[name], float(numbers))

    return property(read, write, doc=f"{declared.description} ({about['unit']}, {about['low']:g}–{about['high']:g}).")


for _name, _declared in Traits.model_fields.items():
    setattr(Organization, _name, _trait(_name, _declared))


# ---------------------------------------------------------------------------------------------------------------
# What happened
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Happening:
    """Something that happened to an organization in a month.

    Attributes:
        month: of the run.
        what: a dated event's name, or one of those that :func:`sim.sides.happenings` lists.
        partner: the organization that it happened with; None of a dated event.
        became: what became of a problem ("hard talk", "blame", "festering"), the cause of an end; else empty.
    """

    month: int
    what: str
    partner: Organization | None = None
    became: str = ""

    def __str__(self) -> str:
        with_whom = f" with {self.partner.name}" if self.partner else ""
        return f"month {self.month}{with_whom}: {self.what}{f' ({self.became})' if self.became else ''}"


def _events_this_month(me: Organization) -> tuple[Happening, ...]:
    """See :meth:`Organization.events_this_month`."""
    model, month = me.model, me.model.month
    model.introduce()
    found = [
        Happening(month, event.name)
        for event in model.scenario.events
        if event.enabled
        and event.month == month
        and (event.kind == "crash" or me.row in model.scenario.rows(event.who))
    ]
    for row, side in me._places:
        tie = model.live.alliances[row]
        if month and (tie.alive == 1 or tie.ended == month):
            partner = model.organizations[int(tie.org[1 - side])]
            found += [Happening(month, what, partner, became) for what, became in happenings(tie, side)]
    return tuple(found)


# ---------------------------------------------------------------------------------------------------------------
# Explaining
# ---------------------------------------------------------------------------------------------------------------
PARTS = {
    "trust now": "the people's share and the organization's add up",
    "this month": "how effective trust moved, by cause",
    "over life": "how effective trust moved since the signature, by cause",
    "trust that talk needs": "the trust at which half is said, divided by each of the other terms",
    "communication": "floor + (1 - floor) x the product of the other terms",
    "monitoring": "the larger of the floor and of what pays, multiplied, money/month",
    "extra mile": "logits that add up to a score",
    "delegation": "logits that add up to a score",
    "readiness to adapt": "logits that add up to a score",
    "appeal": "the terms add up",
}
"""The parts of an explanation, and how their terms combine."""


@dataclass(frozen=True)
class Term:
    """One line of an explanation.

    Attributes:
        part: which question it helps to answer, one of ``PARTS``.
        layer: layer of trust, for the two ledgers; otherwise empty.
        term: its name.
        value: its number; ``unit``: of what.
        role: "term", or "result" for what the part's terms come to.
        meaning: in words.
    """

    part: str
    layer: str
    term: str
    value: float
    unit: str
    role: str
    meaning: str


@dataclass(frozen=True)
class Explanation:
    """Why one partner trusts the other as it does. ``print`` it; ``table()`` has every term, zeros included.

    Attributes:
        title: who about whom, and when.
        terms: see :class:`Term`. In "trust now", the ledgers and "appeal" the terms add up to the result; so do the
            logits of "extra mile", "delegation" and "readiness to adapt" (to their score).
    """

    title: str
    terms: tuple[Term, ...]

    def table(self) -> pd.DataFrame:
        """One row a term; columns as in :class:`Term`."""
        return pd.DataFrame([asdict(term) for term in self.terms], columns=[field.name for field in fields(Term)])

    def result(self, part: str, layer: str = "") -> float:
        """What a part comes to; the last line of it when there are several."""
        return next(
            term.value for term in reversed(self.terms) if (term.part, term.layer, term.role) == (part, layer, "result")
        )

    def __str__(self) -> str:
        lines = [self.title]
        for part in dict.fromkeys(term.part for term in self.terms):
            lines += ["", f"{part.capitalize()}: {PARTS[part]}"]
            lines += [_line(term) for term in self.terms if term.part == part and _is_told(term)]
        return "\n".join(lines)


def _is_told(term: Term) -> bool:
    """Is a term printed? The layers below effective trust and causes that did nothing are left to the table."""
    return term.layer in ("", LAYERS[EFFECTIVE]) and (term.role == "result" or not term.layer or term.value != 0.0)


def _line(term: Term) -> str:
    value = term.value + 0.0  # no minus before a zero
    number = f"{value:+.4f}" if term.unit in ("change of trust", "logit") else f"{value:.4f}"
    mark = "=" if term.role == "result" else " "
    return f"{mark} {number:>7}  {term.term:<15}  {term.meaning}"


def explanation(me: Organization, partner: Organization) -> Explanation:
    """See :meth:`Organization.explain`."""
    met, live = me.has_met(partner), me.model.live
    when = f"after month {live.month}" if live.month else "on the day of the signature"
    if _is_candidate(me, partner) and not met:
        when = when if live.month else "before the first month"
        return Explanation(f"Appeal of {partner.name} to {me.name} {when}", tuple(_appeal(me, partner)))
    tie, s, place = me.alliance_with(partner), me.side_in(partner), me.place_with(partner)
    now = _layers(live.alliances)[place]
    at_start = np.full(len(LAYERS), tie.trust_start[s])
    title = f"Trust of {me.name} in {partner.name} {when}"
    terms = _trust_now(live.parameters, tie, s)
    terms += _ledger("this month", live.month_ledger[place], me.model.layers_before[place], now)
    terms += _ledger("over life", live.ledger[place], at_start, now)
    if tie.alive == 1:
        terms += _consequences(live.parameters, me.record, partner.record, tie, s)
    else:
        title += f" (the alliance ended in month {tie.ended}: {CAUSES_OF_ENDING[tie.cause]})"
    if _is_candidate(me, partner):
        terms += _appeal(me, partner)
    return Explanation(title, tuple(terms))


def _is_candidate(me: Organization, other: Organization) -> bool:
    """Could the two sign an alliance, had both a place free? Only in a market, and not while they are allied."""
    if not me.model.scenario.network.market or other is me or other.model is not me.model:
        return False
    return not me.has_met(other) or me.alliance_with(other).alive == 0


def _trust_now(p: Record, tie: Record, s: int) -> list[Term]:
    """Effective trust, and which share of it is people and which the organization."""
    people = p.ties_weight * tie.ties
    personal, organizational = tie.personal[s], tie.trust[s]
    return _part(
        "trust now",
        "trust",
        [
            ("people", people * personal, f"{people:.0%} of personal trust {personal:.4f}, as ties are {tie.ties:.2f}"),
            ("organization", (1.0 - people) * organizational, f"{1 - people:.0%} of its trust {organizational:.4f}"),
        ],
        [("effective trust", tie.effective[s], "what it acts on")],
    )


def _ledger(
    part: str, entries: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64]
) -> list[Term]:
    """The change of each layer of trust by cause, in the ledger's order; entries (layers, causes), trust (layers,)."""
    terms: list[Term] = []
    for layer, name in enumerate(LAYERS):
        causes = [(cause, entries[layer, c], said) for c, (cause, said) in enumerate(MEANING_OF_CAUSE.items())]
        change = after[layer] - before[layer]
        outside = change - entries[layer].sum()
        if abs(outside) > ROUNDING:
            causes.append(("set by hand", outside, "a state was changed from outside the run"))
        total = [("change", change, f"from {before[layer]:.4f} to {after[layer]:.4f}")]
        terms += _part(part, "change of trust", causes, total, name)
    return terms


def _consequences(p: Record, me: Record, partner: Record, tie: Record, s: int) -> list[Term]:
    """What trust as it is now means for the coming month, unless a dated event changes a trait."""
    a, b = (me, partner) if s == 0 else (partner, me)
    spent_on_me = _monitoring_to_come(p, partner, me, tie, 1 - s)
    return [
        *_communication(p, a, b, tie),
        *_monitoring(p, me, partner, tie, s),
        *_extra_mile(p, tie, s),
        *_delegation(p, tie, s),
        *_readiness(p, me, tie, s, rules.watched(p.monitoring_effect, spent_on_me)),
    ]


def _communication(p: Record, a: Record, b: Record, tie: Record) -> list[Term]:
    """The trust that these partners need before they talk, and what they say with the trust that they have."""
    mutual = rules.mutual_trust(tie.effective[0], tie.effective[1])
    openness, inside = math.sqrt(a.openness * b.openness), math.sqrt(a.internal_trust * b.internal_trust)
    floor, willing, reach = kernel.disclosure_terms(p, a, b, tie)
    trust = rules.candour(p.internal_trust_weight, inside, 0.0, 1.0)
    needs = _part(
        "trust that talk needs",
        "trust",
        [
            ("half", p.trust_half, "where houses trust themselves and ties are close"),
            ("internal trust", trust, "those who distrust their own house need more"),
            ("ties", rules.candour(0.0, 1.0, p.ties_candour, tie.ties), "so do those who hardly know each other"),
        ],
        [("needed", kernel.trust_needed(p, a, b, tie), "trust at which they say half of what they ever say")],
    )
    talk = _part(
        "communication",
        "share",
        [
            ("floor", floor, "said whatever the trust, and about the contract"),
            ("willingness", willing, f"share that mutual trust {mutual:.4f} opens"),
            ("channels", tie.channels, "let through by distance, language and calendars"),
            ("openness", rules.reach(1.0, p.openness_weight, openness), "left by closed partners"),
        ],
        [
            (
                "disclosure",
                rules.disclosure(floor, willing, reach),
                f"where communication, now {tie.communication:.4f}, moves",
            )
        ],
    )
    return needs + talk


def _monitoring_to_come(p: Record, watcher: Record, watched: Record, tie: Record, s: int) -> float:
    """What side ``s`` will spend on watching its partner in the coming month, money/month."""
    if p.clamp_monitoring:
        return float(tie.monitoring[s])
    optimum = kernel.rational_monitoring(p, watched, tie, s)
    return float(rules.monitoring_spent(watcher.monitoring, watcher.verify_floor, optimum))


def _monitoring(p: Record, me: Record, partner: Record, tie: Record, s: int) -> list[Term]:
    """What I shall spend on watching the partner: the larger of the floor and multiplier × optimum."""
    spent, optimum = _monitoring_to_come(p, me, partner, tie, s), kernel.rational_monitoring(p, partner, tie, s)
    unalarmed = rules.optimal_monitoring(p.monitoring_effect, p.loss_at_stake, 1.0 - tie.effective[s])
    return _part(
        "monitoring",
        "money/month",
        [
            ("optimum", optimum, f"what pays at trust {tie.effective[s]:.4f} and reputation {partner.reputation:.4f}"),
            ("alarm", optimum - unalarmed, "of it, for the partner's ill fame"),
            ("multiplied", me.monitoring * optimum, f"{me.monitoring:g} times the optimum is its way"),
            ("floor", me.verify_floor, "kept up whatever the trust"),
        ],
        [
            ("resented", rules.illegitimate_monitoring(spent, p.legitimate_monitoring), "beyond the legitimate"),
            ("monitoring", spent, "held by a clamp" if p.clamp_monitoring else "what it will spend on watching"),
        ],
    )


def _extra_mile(p: Record, tie: Record, s: int) -> list[Term]:
    """My discretionary effort: logits that add up to a score, and the share of the extra mile that comes of it."""
    terms = kernel.extra_mile_terms(p, tie, s)
    base, chemistry, trust, frustration = terms
    return _score(
        "extra mile",
        [
            ("base", base, "with everything else at zero"),
            ("chemistry", chemistry, f"chemistry {tie.chemistry:.4f}"),
            ("trust", trust, f"trust {tie.effective[s]:.4f}"),
            ("frustration", -frustration, f"frustration {tie.frustration[s]:.4f}"),
        ],
        ("effort", rules.extra_mile(*terms), "share", "of the extra mile it goes"),
    )


def _delegation(p: Record, tie: Record, s: int) -> list[Term]:
    """What I leave to the partner to decide: logits that add up to a score, and the share that comes of it."""
    terms = kernel.delegation_terms(p, tie, s)
    base, trust, misreading = terms
    return _score(
        "delegation",
        [
            ("base", base, "with everything else at zero"),
            ("trust", trust, f"trust {tie.effective[s]:.4f}"),
            ("misreading", -misreading, f"misreading of what the partner means to do {tie.misread[s]:.4f}"),
        ],
        (
            "delegated",
            rules.delegation(*terms),
            "share",
            "of the decisions in its absence that it leaves to the partner",
        ),
    )


def _readiness(p: Record, me: Record, tie: Record, s: int, deterrence: float) -> list[Term]:
    """My readiness to adapt to what the contract does not cover: logits, their score, and the chance."""
    terms = kernel.adapting_terms(p, me, tie, s, deterrence)
    base, trust, ties, chemistry, integrity, deterred, frustration = terms
    chance = rules.chance_to_adapt(p.adapt_floor, rules.adapting_score(*terms))
    return _score(
        "readiness to adapt",
        [
            ("base", base, "with everything else at zero"),
            ("trust", trust, f"trust {tie.effective[s]:.4f}"),
            ("ties", ties, f"ties {tie.ties:.4f}"),
            ("chemistry", chemistry, f"chemistry {tie.chemistry:.4f}"),
            ("integrity", integrity, f"integrity {me.integrity:.4f}"),
            ("deterrence", deterred, f"deterred by the partner's monitoring {deterrence:.4f}"),
            ("frustration", -frustration, f"frustration {tie.frustration[s]:.4f}"),
        ],
        ("chance", chance, "probability", f"never below {p.adapt_floor:g}, if the unforeseen happens"),
    )


def _appeal(me: Organization, other: Organization) -> list[Term]:
    """What speaks for a candidate, as a search in the coming month would see it."""
    live, p = me.model.live, me.model.live.parameters
    key, seed, replicate = int(other.record.key), live.seed, live.replicate
    terms = kernel.appeal_terms(p, me.record, key, other.reputation, other.row, seed, replicate)
    fits, fame, memory = terms
    known = kernel.place_of(me.record.past, other.row)
    recalled = "they never were allied, or it has forgotten"
    if known >= 0:
        recalled = f"trust at the end was {me.record.past_trust[known]:.4f}"
    return _part(
        "appeal",
        "1",
        [
            ("complementarity", fits, "of their resources"),
            ("reputation", fame, f"its reputation is {other.reputation:.4f}"),
            ("memory", memory, recalled),
        ],
        [("appeal", rules.appeal(*terms), "a search proposes to the candidate that appeals most")],
    )


Named = tuple[str, float, str]
"""Name of a term, its value and its meaning."""


def _part(part: str, unit: str, terms: Sequence[Named], results: Sequence[Named], layer: str = "") -> list[Term]:
    """The terms of a part and what they come to, all in one unit."""
    told = [Term(part, layer, name, float(value), unit, "term", meaning) for name, value, meaning in terms]
    return told + [Term(part, layer, name, float(value), unit, "result", meaning) for name, value, meaning in results]


def _score(part: str, logits: Sequence[Named], outcome: tuple[str, float, str, str]) -> list[Term]:
    """Terms in logits, their sum, and the share or chance (name, value, unit, meaning) that the score gives."""
    name, value, unit, meaning = outcome
    total = ("score", sum(logit for _, logit, _ in logits), "sum of the above")
    return [*_part(part, "logit", logits, [total]), Term(part, "", name, float(value), unit, "result", meaning)]
