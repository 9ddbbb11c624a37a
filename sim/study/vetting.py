"""Vetting a candidate before the alliance: how many questions to ask, whom one gets, and what a good partner costs.

Robertson (seed R): most organizations profess values that they do not practise, "a cat poster"; interview questions
tell the ones from the others; "the interview should go on until you can say yes or no. Don't cut yourself short and be
left with a maybe." That is Wald's sequential probability ratio test of "practises what it professes" (a **genuine**
partner) against "does not" (a **cat poster**). Each answer is convincing or not; evidence is the logarithm of the
likelihood ratio of all answers so far. Accept at ln((1 − β)/α) or above, turn away at ln(β/(1 − α)) or below, else ask
on.

Everything here is computed on the lattice of evidence, not by Wald's formulas, which neglect that evidence overshoots
its bounds (:func:`wald_questions` gives them for comparison). What it assumes: answers are independent for a given
candidate, and one sort of candidate answers as likely convincingly as another of its sort. A question that comes round
again is therefore put about another case or to another person.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.parameters import Basis, Parameters
from sim.tomlfile import did_you_mean

Floats = NDArray[np.float64]
Kind = Literal["behaviour", "self"]

HORIZON = 12_000
"""Most questions that an interview without a limit may take before it counts as endless."""
UNDECIDED = 1e-12
"""The computing stops when no more than this share of any sort of candidate is still being asked."""
TIE = 1e-9
"""Evidence that differs by less than this is the same: sums of logarithms in another order differ by 1e-13 at most."""
MOST_STATES = 5_000
"""With more sums of evidence than this, neighbouring ones are put together; see :attr:`Course.exact`."""
SMALLEST = 1e-250
"""Weight of a state whose mass has all but vanished, so that a mean over such states is defined."""


# ---------------------------------------------------------------------------------------------------------------
# Declarations
# ---------------------------------------------------------------------------------------------------------------
def _number(default: Any, low: float, high: float, unit: str, meaning: str, basis: Basis, source: str) -> Any:
    """A declared number: default (``...``: none), closed bounds, unit, meaning and where the default comes from."""
    about: dict[str, Any] = {"unit": unit, "basis": basis, "source": source, "low": low, "high": high}
    return Field(default, ge=low, le=high, description=meaning, json_schema_extra=about)


def _in_a_market(name: str) -> Any:
    """The default that interviews in a market have, so that it is declared once."""
    return Parameters.model_fields[name].default


class Question(BaseModel):
    """An interview question and how well it tells. Frozen.

    ``kind`` is ``behaviour`` (asks for what is done) or ``self`` (asks for a rating of oneself).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    kind: Kind
    text: str
    p1: float = _number(
        ..., 0.01, 0.99, "probability", "chance that a genuine partner answers convincingly", "assumed", "see QUESTIONS"
    )
    p0: float = _number(
        ..., 0.01, 0.99, "probability", "chance that a cat poster answers convincingly", "assumed", "see QUESTIONS"
    )
    cost: float = _number(0.01, 0, 100, "money", "cost of asking it once", "assumed", "a day or two for an interview")

    @model_validator(mode="after")
    def _tells(self) -> Self:
        if self.p1 <= self.p0:
            raise ValueError(
                f"{self.name}: p1 = {self.p1:g} must be above p0 = {self.p0:g}, else the answers speak for cat posters"
            )
        return self


NUMBERS = ("p1", "p0", "cost")
"""What can be set of a question."""


def _question(name: str, kind: Kind, text: str) -> Question:
    """A question of seed R."""
    numbers = {number: _in_a_market(f"{name}_{number}") for number in NUMBERS}
    return Question(name=name, kind=kind, text=text, **numbers)


QUESTIONS = {
    question.name: question
    for question in (
        _question(
            "trust_example",
            "behaviour",
            "Can you tell me how your team demonstrates trust with one another? (a specific example)",
        ),
        _question(
            "team_rating",
            "self",
            "From 1 to 10, how much trust does the team have in management? What would the next number look like?",
        ),
        _question(
            "management_rating",
            "self",
            "From 1 to 10, how much trust does management have in the team? What would the next number look like?",
        ),
        _question(
            "complaints",
            "behaviour",
            "If a customer complains, how are people to respond? (together, or 'whose fault is it?')",
        ),
        _question(
            "agreed_actions", "behaviour", "Can you share with me agreed-upon courses of action within your company?"
        ),
        _question(
            "absent_partner",
            "behaviour",
            "What would have to be agreed for each of us to make a large decision with the other not present?",
        ),
    )
}
"""The questions of seed R in their order. Behavioural ones tell (model page, step 9: p1 from .65 to .85, p0 from .25 to
.45; what was done somewhat better than what is agreed), self-ratings hardly do ("their perception is likely inflated").
Within these ranges the numbers are our judgement."""

KINDS = {
    "all": tuple(QUESTIONS),
    "behaviour": tuple(name for name, question in QUESTIONS.items() if question.kind == "behaviour"),
    "self": tuple(name for name, question in QUESTIONS.items() if question.kind == "self"),
}
"""Short names for several questions."""


class Interview(BaseModel):
    """How candidates are vetted. Frozen; the questions are asked in their order, and from the first again.

    With ``max_questions`` the decision is forced after that many: yes when the answers speak rather for a genuine
    partner than against (likelihood ratio of 1 or more), whatever the prior. With 0 there is no vetting: everybody is
    accepted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    alpha: float = _number(
        _in_a_market("vet_alpha"), 1e-6, 0.99, "probability", "α: tolerated chance of accepting a cat poster", "model",
        "model page",
    )  # fmt: skip
    beta: float = _number(
        _in_a_market("vet_beta"), 1e-6, 0.99, "probability", "β: tolerated chance of turning a genuine partner away",
        "model", "model page",
    )  # fmt: skip
    prior: float = _number(
        0.10, 0.001, 0.999, "share", "genuine partners among the candidates", "source", "seed R (Brown: 'about 10%')"
    )
    questions: tuple[Question, ...] = Field(tuple(QUESTIONS.values()), min_length=1)
    max_questions: int | None = _number(
        None, 0, HORIZON, "questions", "forced decision after so many; none: until yes or no", "source", "seed R"
    )
    value_genuine: float | None = _number(
        None, -1e6, 1e6, "money", "worth of an alliance with a genuine partner", "assumed", "yours to give"
    )
    value_cat_poster: float | None = _number(
        None, -1e6, 1e6, "money", "worth of an alliance with a cat poster", "assumed", "yours to give"
    )

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        if self.alpha + self.beta >= 1.0:
            raise ValueError(
                f"alpha + beta = {self.alpha + self.beta:g} must be below 1: a coin makes no more mistakes than that"
            )
        if (self.value_genuine is None) != (self.value_cat_poster is None):
            raise ValueError("give the worth of both sorts of partners, or of neither")
        return self

    @property
    def upper(self) -> float:
        """ln((1 − β)/α) > 0: evidence at which a candidate is accepted."""
        return math.log((1.0 - self.beta) / self.alpha)

    @property
    def lower(self) -> float:
        """ln(β/(1 − α)) < 0: evidence at which a candidate is turned away."""
        return math.log(self.beta / (1.0 - self.alpha))

    def changed(self, **changes: Any) -> Interview:
        """The interview with other settings, validated."""
        return Interview(**{**dict(self), **changes})


def questions_for(names: Iterable[str], settings: Mapping[str, Any] | None = None) -> tuple[Question, ...]:
    """Questions by name, with changes.

    Args:
        names: of :data:`QUESTIONS` or :data:`KINDS`, in the order of asking; a name may come twice.
        settings: ``p1``, ``p0`` or ``cost`` for every question asked, or ``complaints.p1`` for one, which goes before.

    Raises:
        ValueError: when a name or a key is unknown, or when a key belongs to a question that is not asked.
        pydantic.ValidationError: (a ValueError) when a value is out of range, or p1 is not above p0.
    """
    asked = [name for given in names for name in _named(given)]
    changes: dict[str, dict[str, Any]] = {name: {} for name in asked}
    for key, value in sorted((settings or {}).items(), key=lambda item: "." in item[0]):
        name, dot, number = key.rpartition(".")
        _check_key(key, asked)
        for changed in [name] if dot else asked:
            changes[changed][number] = value
    return tuple(Question(**{**dict(QUESTIONS[name]), **changes[name]}) for name in asked)


def _named(given: str) -> tuple[str, ...]:
    if given in KINDS:
        return KINDS[given]
    if given in QUESTIONS:
        return (given,)
    raise ValueError(f"{given!r} is no question{did_you_mean(given, [*KINDS, *QUESTIONS])}")


def _check_key(key: str, asked: Sequence[str]) -> None:
    name, _, number = key.rpartition(".")
    if name in QUESTIONS and number in NUMBERS and name not in asked:
        raise ValueError(f"{key}: the question {name!r} is not asked in this interview")
    known = [*NUMBERS, *(f"{question}.{about}" for question in dict.fromkeys(asked) for about in NUMBERS)]
    if key not in known:
        raise ValueError(f"{key}: is no setting of a question{did_you_mean(key, known)}")


# ---------------------------------------------------------------------------------------------------------------
# The lattice of evidence
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Course:
    """How interviews go with one sort of candidate. Arrays are indexed by the number of questions asked, from 0.

    Attributes:
        accepted: chance of being accepted after exactly so many questions.
        rejected: the same for being turned away.
        spent: cost of so many questions, money.
        forced: share of interviews that the limit ended without a clear answer.
        undecided: share whose interview goes on beyond the arrays; at most :data:`UNDECIDED`.
        exact: False when there were so many different sums of evidence (:data:`MOST_STATES`) that neighbouring ones
            were put together, which takes many different questions. Shares are then right to about 1e-5, not 1e-12.
    """

    accepted: Floats
    rejected: Floats
    spent: Floats
    forced: float
    undecided: float
    exact: bool

    @property
    def ended(self) -> Floats:
        """Chance that the interview takes exactly so many questions; adds up to 1 − undecided."""
        return self.accepted + self.rejected

    @property
    def share_accepted(self) -> float:
        """Chance of being accepted."""
        return float(self.accepted.sum())

    @property
    def questions(self) -> float:
        """Expected number of questions."""
        return float(self.ended @ np.arange(len(self.ended)))

    @property
    def cost(self) -> float:
        """Expected cost of the questions, money."""
        return float(self.ended @ self.spent)

    def enough_for(self, share: float) -> int:
        """The smallest number of questions within which this share of interviews is over."""
        return _within(self.ended, share)


def _within(ended: Floats, share: float) -> int:
    return int(np.searchsorted(np.cumsum(ended), share - TIE))


def courses(interview: Interview, practice: ArrayLike) -> list[Course]:
    """The course of the interview for candidates who practise what they profess to the given degrees.

    Args:
        interview: what is asked, and when it ends.
        practice: for each sort of candidate, w in [0, 1]: a question is answered convincingly with chance
            p0 + w·(p1 − p0), so that 1 is genuine and 0 a cat poster.

    Raises:
        ValueError: when the interview would not come to an end within :data:`HORIZON` questions.
    """
    p1, p0, convincing, vague = _answers(interview)
    chance = p0 + np.asarray(practice, dtype=np.float64)[:, None] * (p1 - p0)
    evidence, mass = np.zeros(1), np.ones((len(chance), 1))
    accepted, rejected, forced = [], [], np.zeros(len(chance))
    exact = True
    for asked in range(HORIZON + 1):
        yes, no, pressed = _decide(interview, evidence, asked)
        accepted.append(mass[:, yes].sum(axis=1))
        rejected.append(mass[:, no].sum(axis=1))
        forced += mass[:, pressed].sum(axis=1)
        evidence, mass = evidence[~yes & ~no], mass[:, ~yes & ~no]
        if mass.sum(axis=1).max() <= UNDECIDED:
            break
        k = asked % len(interview.questions)
        evidence = np.concatenate([evidence + convincing[k], evidence + vague[k]])
        mass = np.concatenate([mass * chance[:, [k]], mass * (1.0 - chance[:, [k]])], axis=1)
        evidence, mass, unmoved = _joined(evidence, mass)
        exact &= unmoved
    else:
        raise ValueError(
            f"after {HORIZON:,} questions a share of {mass.sum(axis=1).max():.1g} of candidates is neither accepted "
            "nor turned away: these questions tell too little. Ask others, tolerate more mistakes, or set max_questions"
        )
    costs = np.resize([question.cost for question in interview.questions], len(accepted) - 1)
    spent = np.concatenate([[0.0], np.cumsum(costs)])
    ends = zip(np.array(accepted).T, np.array(rejected).T, forced, mass.sum(axis=1), strict=True)
    return [Course(yes, no, spent, float(pressed), float(left), exact) for yes, no, pressed, left in ends]


def _answers(interview: Interview) -> tuple[Floats, Floats, Floats, Floats]:
    """p1 and p0 of the questions asked, and the evidence in a convincing and in a vague answer to each."""
    p1, p0 = (np.array([getattr(question, name) for question in interview.questions]) for name in ("p1", "p0"))
    return p1, p0, np.log(p1 / p0), np.log((1.0 - p1) / (1.0 - p0))


def _decide(
    interview: Interview, evidence: Floats, asked: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which sums of evidence mean yes, which no, and for which of them only the limit forced the decision."""
    yes, no = evidence >= interview.upper - TIE, evidence <= interview.lower + TIE
    if asked != interview.max_questions:
        return yes, no, np.zeros_like(yes)
    pressed = ~yes & ~no
    yes = evidence >= -TIE
    return yes, ~yes, pressed


def _joined(evidence: Floats, mass: Floats) -> tuple[Floats, Floats, bool]:
    """Equal sums of evidence as one state each, which is exact; neighbouring sums too when there are too many.

    Neighbours meet at the mean of their evidence, weighted by mass, so that no evidence is gained or lost on average.

    Returns:
        Evidence and mass of the states, and whether no neighbours were put together.
    """
    if len(evidence) <= MOST_STATES:
        _, first, state = np.unique(np.rint(evidence / TIE), return_index=True, return_inverse=True)
        return evidence[first], np.array([np.bincount(state, row, len(first)) for row in mass]), True
    low, high = evidence.min(), evidence.max()
    state = np.minimum((evidence - low) * (MOST_STATES / (high - low)), MOST_STATES - 1).astype(np.int64)
    weight = np.maximum(mass.sum(axis=0), SMALLEST)
    total = np.bincount(state, weight, MOST_STATES)
    taken = total > 0.0
    mean = np.bincount(state, weight * evidence, MOST_STATES)[taken] / total[taken]
    return mean, np.array([np.bincount(state, row, MOST_STATES)[taken] for row in mass]), False


# ---------------------------------------------------------------------------------------------------------------
# What comes of it
# ---------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Findings:
    """What an interview comes to, for genuine partners, for cat posters and for all candidates.

    Attributes:
        interview: what was asked.
        genuine, cat_poster: how it goes with candidates of either sort.
    """

    interview: Interview
    genuine: Course
    cat_poster: Course

    def _over_all(self, genuine: float, cat_poster: float) -> float:
        prior = self.interview.prior
        return prior * genuine + (1.0 - prior) * cat_poster

    @cached_property
    def accepted(self) -> float:
        """Share of all candidates accepted, (0, 1]."""
        return self._over_all(self.genuine.share_accepted, self.cat_poster.share_accepted)

    @cached_property
    def found(self) -> float:
        """Share of all candidates who are genuine and accepted, (0, 1)."""
        return self.interview.prior * self.genuine.share_accepted

    @cached_property
    def genuine_among_accepted(self) -> float:
        """Chance that an accepted candidate is genuine (0, 1)."""
        return self.found / self.accepted

    @cached_property
    def questions(self) -> float:
        """Expected number of questions put to a candidate."""
        return self._over_all(self.genuine.questions, self.cat_poster.questions)

    @cached_property
    def cost(self) -> float:
        """Expected cost of the questions put to a candidate, money."""
        return self._over_all(self.genuine.cost, self.cat_poster.cost)

    @cached_property
    def forced(self) -> float:
        """Share of candidates about whom the limit decided, not a clear answer."""
        return self._over_all(self.genuine.forced, self.cat_poster.forced)

    # A search goes on, candidate after candidate, until a genuine one is accepted: 1/found candidates on average.
    @property
    def candidates_per_partner(self) -> float:
        """Expected number of candidates until a genuine one is accepted."""
        return 1.0 / self.found

    @property
    def questions_per_partner(self) -> float:
        """Expected number of questions until a genuine partner is accepted."""
        return self.questions / self.found

    @property
    def cost_per_partner(self) -> float:
        """Expected cost of questions until a genuine partner is accepted, money."""
        return self.cost / self.found

    @property
    def cat_posters_per_partner(self) -> float:
        """Expected number of cat posters accepted on the way to a genuine partner."""
        return self.accepted / self.found - 1.0

    @property
    def value(self) -> float | None:
        """Expected worth of one accepted partner after the cost of the search for it, money; None without values."""
        good, bad = self.interview.value_genuine, self.interview.value_cat_poster
        if good is None or bad is None:
            return None
        share = self.genuine_among_accepted
        return share * good + (1.0 - share) * bad - self.cost / self.accepted

    def enough_for(self, share: float) -> int:
        """The smallest number of questions within which this share of all interviews is over."""
        prior = self.interview.prior
        return _within(prior * self.genuine.ended + (1.0 - prior) * self.cat_poster.ended, share)


def vet(interview: Interview) -> Findings:
    """Compute what an interview comes to.

    Raises:
        ValueError: see :func:`courses`.
    """
    return Findings(interview, *courses(interview, [1.0, 0.0]))


def wald_questions(interview: Interview) -> tuple[float, float]:
    """Expected questions for a genuine partner and for a cat poster by Wald's formulas (1945), which neglect overshoot.

    They are too low, often by a fifth: evidence comes in steps that are large against its bounds. They know of no
    limit to the number of questions; in a mixed interview a question tells what its questions tell on average.
    """
    p1, p0, convincing, vague = _answers(interview)
    for_genuine = float(np.mean(p1 * convincing + (1.0 - p1) * vague))
    for_cat_poster = float(np.mean(p0 * convincing + (1.0 - p0) * vague))
    alpha, beta, upper, lower = interview.alpha, interview.beta, interview.upper, interview.lower
    return (
        ((1.0 - beta) * upper + beta * lower) / for_genuine,
        (alpha * upper + (1.0 - alpha) * lower) / for_cat_poster,
    )


STOPPED_AFTER = 3
"""Seed R after its third question: "by this point, you should have a good idea"; "if you're unsure", keep going."""


def stopped_early(interview: Interview) -> Findings:
    """The same interview, forced to a decision after :data:`STOPPED_AFTER` questions."""
    return vet(interview.changed(max_questions=STOPPED_AFTER))


def compare(interview: Interview) -> dict[str, Findings]:
    """The interview beside its alternatives: no vetting, three questions, self-ratings only.

    Self-ratings are those of the interview, else those of seed R; of them as many are asked as the interview takes on
    average, so that the effort is the same and only what is asked differs.
    """
    whole = vet(interview)
    ratings = tuple(question for question in interview.questions if question.kind == "self") or questions_for(["self"])
    as_many = max(1, round(whole.questions))
    return {
        "no vetting": vet(interview.changed(max_questions=0)),
        "three questions": stopped_early(interview),
        "self-ratings only": vet(interview.changed(questions=ratings, max_questions=as_many)),
        "the interview": whole,
    }


# ---------------------------------------------------------------------------------------------------------------
# In words
# ---------------------------------------------------------------------------------------------------------------
def sentences(findings: Findings) -> list[str]:
    """What came out, as advice to whoever does the vetting; three to five sentences."""
    said = (_effort, _harvest, _search, _ending, _worth)
    return [sentence for say in said if (sentence := say(findings))]


def _effort(findings: Findings) -> str:
    if findings.interview.max_questions == 0:
        return "Without vetting no question is asked and everybody is accepted."
    return (
        f"Ask on average {findings.questions:.1f} questions ({findings.genuine.questions:.1f} of a genuine partner, "
        f"{findings.cat_poster.questions:.1f} of a cat poster{_without_ratings(findings.interview)}); "
        f"95 of 100 interviews take no more than {findings.enough_for(0.95)}."
    )


def _without_ratings(interview: Interview) -> str:
    """What the behavioural questions alone would take, when self-ratings are asked beside them without a limit."""
    telling = tuple(question for question in interview.questions if question.kind == "behaviour")
    if interview.max_questions is not None or len(telling) in (0, len(interview.questions)):
        return ""
    return f"; {vet(interview.changed(questions=telling)).questions:.1f} without the self-ratings"


def _harvest(findings: Findings) -> str:
    accepted, found = 100.0 * findings.accepted, 100.0 * findings.found
    missed = 100.0 * findings.interview.prior - found
    return (
        f"Of 100 candidates you accept {_about(accepted)}, of whom {_about(found)} practise what they profess "
        f"({findings.genuine_among_accepted:.0%}); {_about(missed)} of the {_about(100.0 * findings.interview.prior)} "
        "genuine ones you turn away."
    )


def _search(findings: Findings) -> str:
    asked = ""
    if findings.questions > 0.0:
        asked = f" and {_many(findings.questions_per_partner, 'question')} ({findings.cost_per_partner:.2g} money)"
    return (
        f"One genuine partner takes about {_many(findings.candidates_per_partner, 'candidate')}{asked}; on the way you "
        f"accept {_many(findings.cat_posters_per_partner, 'cat poster')}."
    )


def _ending(findings: Findings) -> str:
    """What the limit costs, or what one would; nothing where all is decided before it."""
    interview = findings.interview
    if interview.max_questions is None:
        early = stopped_early(interview)
        if early.forced == 0.0:
            return ""
        only = "only " if early.genuine_among_accepted < findings.genuine_among_accepted - 0.005 else ""
        return (
            f"Go on until it is yes or no: stopped after {STOPPED_AFTER} questions, you would accept "
            f"{_about(100.0 * early.accepted)} of 100, of whom {only}{_about(100.0 * early.found)} practise what they "
            f"profess ({early.genuine_among_accepted:.0%})."
        )
    if interview.max_questions == 0 or findings.forced == 0.0:
        return ""
    bound = interview.alpha / (1.0 - interview.beta)  # Wald's, which holds exactly
    return (
        f"The limit leaves {findings.forced:.0%} of the candidates at a maybe, decided by which way the answers lean: "
        f"{findings.cat_poster.share_accepted:.0%} of cat posters are accepted, against at most {bound:.0%} without a "
        "limit."
    )


def _worth(findings: Findings) -> str:
    value, unvetted = findings.value, vet(findings.interview.changed(max_questions=0)).value
    if value is None or unvetted is None:
        return ""
    worth, without = (f"{money:.3g}".replace("-", "−") for money in (value, unvetted))
    if findings.interview.max_questions == 0:
        return f"An accepted partner is worth {worth} money{'; you lose on it' if value < 0.0 else ''}."
    loss = "; even so you lose on it" if value < 0.0 else ""
    return f"An accepted partner is worth {worth} money after the search, without vetting {without}{loss}."


def _many(number: float, noun: str) -> str:
    """ "1 candidate", "2.5 candidates"."""
    shown = _about(number)
    return f"{shown} {noun}{'' if shown == '1' else 's'}"


def _about(number: float) -> str:
    """A number of people or questions as one says it: whole from 10 on, else with a decimal where there is one."""
    if number >= 9.95:
        return f"{number:,.0f}"
    if number >= 0.095:
        return f"{number:.1f}".removesuffix(".0")
    return f"{number:.1g}" if number >= 0.001 else "fewer than 0.001" if number > TIE else "none"
