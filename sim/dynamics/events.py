"""Dated events, at the start of their month: what they change, and what they keep from happening."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from sim.dynamics import rules
from sim.dynamics.compiled import compiled
from sim.dynamics.state import (
    ADD_TRAIT,
    BREACH,
    CRASH,
    FIRST_TRAIT,
    FIRST_WISHED,
    KEPT_AWAY,
    KEY_PERSON_LEAVES,
    NOBODY,
    SET_TRAIT,
    TRAIT_HIGHS,
    TRAIT_LOWS,
    TRAIT_NUMBER,
)

OPERATIONALIZATION = TRAIT_NUMBER["operationalization"]


@compiled
def change_trait(me, columns, code, trait, value):
    """Set or move a scalar trait within its bounds; the wish is kept, so that a programme's end undoes its beginning.

    Args:
        me: record of the organization.
        columns: the same memory as float64 (fields,).
        code: SET_TRAIT or ADD_TRAIT.
        trait: number of the trait, see ``state.TRAIT_NUMBER``.
        value: what to set it to, or to add.
    """
    low, high = TRAIT_LOWS[trait], TRAIT_HIGHS[trait]
    now = columns[FIRST_TRAIT + trait]
    wished = columns[FIRST_WISHED + trait]
    if now != rules.within(wished, low, high):
        wished = now  # something else has moved it since
    wished = value if code == SET_TRAIT else wished + value
    columns[FIRST_WISHED + trait] = wished
    columns[FIRST_TRAIT + trait] = rules.within(wished, low, high)
    if trait == OPERATIONALIZATION:
        me.operationalization_start = me.operationalization


@compiled
def apply_events(orgs, columns, events, month, market):
    """Dated events of this month, in the order of the file; returns the level of the market.

    Args:
        orgs: records of the organizations, (N,).
        columns: the same memory as float64, (N, fields), so that a trait can be named by its number.
        events: records, see ``state.EVENT``.
        month: the month that begins.
        market: level of the market before, 1 in normal times.
    """
    for i in range(len(orgs)):
        orgs[i].breach_now = 0.0
        orgs[i].turnover_now = 0.0
    for e in range(len(events)):
        event = events[e]
        if event.month != month:
            continue
        if event.code == SET_TRAIT or event.code == ADD_TRAIT:
            change_trait(orgs[event.org], columns[event.org], event.code, event.trait, event.value)
        elif event.code == BREACH:
            orgs[event.org].breach_now = rules.either(orgs[event.org].breach_now, event.value)
        elif event.code == KEY_PERSON_LEAVES:
            orgs[event.org].turnover_now = 1.0
        elif event.code == CRASH:
            market *= 1.0 - event.value
    return market


@compiled
def keep_away(alliances, count, events, month):
    """What a counterfactual keeps from happening this month is noted on the alliances that it concerns."""
    for e in range(len(events)):
        event = events[e]
        if event.month == month and event.code == KEPT_AWAY:
            for k in range(count):
                if alliances[k].alive == 1 and (event.org == k or event.org == NOBODY):
                    alliances[k].without |= 1 << event.trait
