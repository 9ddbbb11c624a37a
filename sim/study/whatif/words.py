"""A comparison in words: the difference of trust in this history, what it is made of, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.dynamics.state import CAUSES_OF_ENDING
from sim.study.analysis import signed
from sim.study.story.wording import counted, dates, joined
from sim.study.whatif.changes import cannot_act
from sim.study.whatif.ledger import cause_words, rounded
from sim.study.words import capital

if TYPE_CHECKING:
    from sim.study.whatif.comparison import Comparison

SAME = 5e-4
"""Differences that are smaller than this are not told in words."""
MOST_CAUSES = 4
"""At most so many causes of a difference are named; the others are one number."""


def sentence(comparison: Comparison, month: int) -> str:
    """The difference of trust at the end of a month and what it is made of.

    Numbers add up as they are shown. It is said of this one history; :func:`effect_of` says what happens on average.
    """
    title = capital(comparison.title)
    alliance = comparison.alliance
    if alliance is not None and comparison.match(alliance).counterfactual is None:
        return f"{title}, {_who(comparison)} would never have been formed"
    if not comparison.is_told(month):
        who = "no alliance is" if alliance is None else f"{_who(comparison)} is not yet"
        return f"{title}, {who} formed in both worlds by month {month}"
    if ended := _ended_before(comparison):
        return f"{title}, nothing would be different in {_who(comparison)}: it had ended in month {ended}"
    ledger = rounded(comparison.ledger_difference(month=month))
    difference = float(ledger["total"].sum())
    parts = [f"{title}, {_whose(comparison, month)} would"]
    if comparison.futures()["trust_difference"].abs().max() < SAME:
        parts[0] += f" have been the same in every month{_nothing_else(comparison)}"
    elif abs(difference) < SAME:
        parts[0] += f" be the same {comparison.when(month)}; {_widest(comparison)}"
    else:
        way = "higher" if difference > 0 else "lower"
        parts[0] += f" be {abs(difference):.3f} {way} {comparison.when(month)}: {_ways(comparison, ledger, month)}"
        parts.append(_by_cause(ledger))
    return ". ".join([*parts, *_fates(comparison)])


def _who(comparison: Comparison) -> str:
    """ "alliance 1 (AOL with Time Warner)"; there must be one that is told."""
    assert comparison.alliance is not None
    return f"alliance {comparison.alliance} ({comparison.name(comparison.match(comparison.alliance))})"


def _whose(comparison: Comparison, month: int) -> str:
    """Whose trust, and, where the worlds form different alliances, how many each has by then."""
    if comparison.alliance is not None:
        return f"trust in {_who(comparison)}"
    count = len(comparison.in_both(month))
    if comparison.only_as_it_was() or comparison.only_otherwise():
        which = "one alliance that is" if count == 1 else f"{count} alliances that are"
        return f"the mean trust of the {which} formed in both worlds"
    few = {1: "the one alliance", 2: "both alliances"}
    return f"the mean trust of {few.get(count, f'all {count} alliances')}"


def _ended_before(comparison: Comparison) -> int:
    """The month in which the alliance that is told had ended before the first change; 0 when it had not."""
    if comparison.alliance is None:
        return 0
    ended = int(comparison.factual.alliances[-1, comparison.alliance - 1].ended)
    return ended if ended < comparison.first_month else 0


def _nothing_else(comparison: Comparison) -> str:
    """That the change has no effect at all on the alliance that is told, if so."""
    told = None if comparison.alliance is None else comparison.match(comparison.alliance)
    if any(comparison.differs(match) for match in (comparison.in_both() if told is None else [told])):
        return ""
    if told is None and (comparison.only_as_it_was() or comparison.only_otherwise()):
        return ""
    why = "; ".join(cannot_act(comparison.factual.scenario, comparison.changes))
    return f", and so would communication and value{f': {why}' if why else ''}"


def _widest(comparison: Comparison) -> str:
    """When a difference that has gone was widest."""
    rows = comparison.futures()
    widest = rows["trust_difference"].abs().idxmax()
    when, by = int(rows.loc[widest, "month"]), float(rows.loc[widest, "trust_difference"])
    return f"the difference was widest in month {when}, {signed(by, 3)}"


def _ways(comparison: Comparison, ledger: pd.DataFrame, month: int) -> str:
    """At once, through communication, and otherwise; where the third run lacks an alliance, at once and afterwards."""
    at_once, later, through = (
        float(ledger[name].sum(skipna=False)) for name in ("at_once", "later", "through_communication")
    )
    said = [f"{signed(at_once, 3)} at once, in month {comparison.first_month}"]
    if pd.isna(through):
        return joined([*said, f"{signed(float(ledger['total'].sum()) - at_once, 3)} afterwards"])
    if abs(through) >= SAME:
        said.append(f"{signed(through, 3)} because they would have talked {_more_or_less(comparison, month)}")
    return joined([*said, f"{signed(later, 3)} by what else follows from it"])


def _more_or_less(comparison: Comparison, month: int) -> str:
    """How they would have talked, from the first month of the change while both go on: who has parted does not talk."""
    rows = comparison.futures()
    both = (rows["alive"] > 0.0) & (rows["alive_otherwise"] > 0.0)
    during = both & rows["month"].between(comparison.first_month, month)
    difference = float(rows.loc[during, "communication_difference"].sum())
    return f"{'more' if difference > 0.0 else 'less' if difference < 0.0 else 'otherwise'} afterwards"


def _by_cause(ledger: pd.DataFrame) -> str:
    """The largest causes of a difference, the rest in one number."""
    totals = {str(cause): float(total) for cause, total in zip(ledger["cause"], ledger["total"], strict=True)}
    ranked = sorted((cause for cause in totals if abs(totals[cause]) >= SAME), key=lambda cause: -abs(totals[cause]))
    told = [f"{cause_words(cause)} {signed(totals[cause], 3)}" for cause in ranked[:MOST_CAUSES]]
    rest = sum(totals[cause] for cause in ranked[MOST_CAUSES:])
    if abs(rest) >= SAME:
        told.append(f"all else {signed(rest, 3)}")
    return f"By cause: {joined(told)}"


def _fates(comparison: Comparison) -> list[str]:
    """How each world ends for the alliance that is told, and what it is worth; nothing where nothing differs."""
    if comparison.alliance is None:
        return []
    match = comparison.match(comparison.alliance)
    if not comparison.differs(match):
        return []
    was, otherwise = comparison.last_of(match)
    value = float(otherwise.value.sum() - was.value.sum())
    gain = value - float(otherwise.apart - was.apart)
    worth = _more(value, " money") or "as much"
    if was.apart == otherwise.apart:
        worth += ", over the outside option too"
    else:
        over = "over the outside option, which both also have once they part"
        worth += f", and {over}, {_more(gain, '') or 'as much'}"
    fates = [_fate(was), _fate(otherwise)]
    if fates[0] == fates[1]:
        return [f"It {fates[0]} in both worlds", f"It would be worth {worth}"]
    instead = "would go on to the end" if otherwise.alive == 1 else f"would have {fates[1]}"
    return [f"It {fates[0]}; otherwise it {instead}", f"It would be worth {worth}"]


def _more(amount: float, unit: str) -> str:
    """ "12.3 money less"; empty for what is shown as nothing."""
    return f"{abs(amount):.1f}{unit} {'more' if amount > 0 else 'less'}" if round(abs(amount), 1) else ""


def _fate(tie: Any) -> str:
    """ "goes on to the end", "ended in month 60 by distrust"."""
    if tie.alive == 1:
        return "goes on to the end"
    return f"ended in month {int(tie.ended)} by {CAUSES_OF_ENDING[int(tie.cause)]}"


def courses_in_words(happenings: pd.DataFrame) -> list[tuple[str, str, str, str]]:
    """What happened in both worlds, only as it was, and only otherwise: a row a kind.

    Args:
        happenings: see :meth:`Comparison.happenings`.

    Returns:
        Kind, then months for each of the three, in words; a dash where there is none.
    """
    rows = []
    for what, group in happenings.groupby("what", sort=False):
        was, otherwise = group["as_it_was"], group["otherwise"]
        parts = [group[was & otherwise], group[was & ~otherwise], group[~was & otherwise]]
        both, only_was, only_otherwise = (_when(part) for part in parts)
        rows.append((str(what), both, only_was, only_otherwise))
    return rows


def _when(rows: pd.DataFrame) -> str:
    months = sorted({int(month) for month in rows["month"]})
    if not months:
        return "–"
    if len(rows) > len(months):
        return f"{counted(len(rows))} times"
    return dates(months)
