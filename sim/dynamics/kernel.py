"""A month, a run, many runs. Updates are synchronous: everybody acts on the state at the start of the month.

``alliance_month`` is the order of an alliance's month, written once; the steps have the numbers of docs/model.md. The
Mesa view and the sweeps call the same functions. Nothing here reads files, prints or keeps state of its own.

Whoever is outside the core calls it by the names in ``__all__``; those from ``steps``, ``events``, ``signature`` and
``market`` are there for views that work out a single step.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from sim.dynamics import draws, rules
from sim.dynamics.compiled import compiled, entry
from sim.dynamics.events import apply_events, change_trait, keep_away
from sim.dynamics.market import (
    appeal_of,
    appeal_terms,
    engage,
    is_free,
    market_month,
    part,
    room_needed,
    shuns,
    vets,
)
from sim.dynamics.recording import lie_apart, mean_of_defined, observe, read_off
from sim.dynamics.signature import place_of, sign, write_contract
from sim.dynamics.state import LAYERS, N_CAUSES, NO_TURNOVER, SIDES
from sim.dynamics.steps import (
    account,
    adapting_terms,
    adapts,
    close_ledger,
    delegation_terms,
    disclose,
    disclosure_terms,
    exert,
    extra_mile_terms,
    impair,
    joint_result,
    learn,
    leave,
    lose_people,
    make_known,
    rational_monitoring,
    relate,
    talk,
    trust_needed,
    watch,
    work,
)

__all__ = [
    "adapting_terms",
    "adapts",
    "alliance_month",
    "appeal_of",
    "appeal_terms",
    "apply_events",
    "change_trait",
    "clear",
    "delegation_terms",
    "disclose",
    "disclosure_terms",
    "engage",
    "extra_mile_terms",
    "is_free",
    "lie_apart",
    "market_month",
    "mean_of_defined",
    "month_of_all",
    "organizations_month",
    "place_of",
    "rational_monitoring",
    "read_off",
    "relate",
    "room_needed",
    "run",
    "run_history",
    "run_many",
    "shuns",
    "sign_many",
    "trust_needed",
    "vets",
    "watch",
    "write_contract",
]


# ---------------------------------------------------------------------------------------------------------------
# One alliance
# ---------------------------------------------------------------------------------------------------------------
@compiled
def clear(entries):
    """Empty a month's ledger, float64 (2, layers, causes)."""
    for s in range(SIDES):
        for layer in range(len(LAYERS)):
            for cause in range(N_CAUSES):
                entries[s, layer, cause] = 0.0


@compiled
def add_to(total, entries):
    """Add a month's ledger to a total, both float64 (2, layers, causes). Explicit loops: no temporary array."""
    for s in range(SIDES):
        for layer in range(len(LAYERS)):
            for cause in range(N_CAUSES):
                total[s, layer, cause] += entries[s, layer, cause]


@compiled
def alliance_month(p, orgs, tie, market, seed, replicate, month, entries, rates):
    """One month of one living alliance, steps 1 to 8, in place.

    Args:
        p: record of the parameters.
        orgs: records of the organizations, (N,).
        tie: record of the alliance.
        market: level of the market, 1 in normal times.
        seed, replicate, month: the key of the draws; the first month is 1.
        entries: float64 array (2, layers, causes), overwritten with this month's ledger.
        rates: float64 scratch (causes,).
    """
    a = orgs[tie.org[0]]
    b = orgs[tie.org[1]]
    happens = draws.four(seed, replicate, month, draws.OCCURRENCES, a.key, b.key)
    moves = draws.four(seed, replicate, month, draws.MOVES, a.key, b.key)
    ties_before = tie.ties
    tie.age += 1

    disclose(p, a, b, tie)
    for s in range(SIDES):
        me = a if s == 0 else b
        if not p.clamp_monitoring:
            watch(p, me, b if s == 0 else a, tie, s)
        exert(p, tie, s)
        tie.turnover[s] = (moves[s] < me.turnover or me.turnover_now > 0.0) and not tie.without & NO_TURNOVER
    work(p, a, b, tie, happens, seed, replicate, month)
    talk(p, a, b, tie, seed, replicate, month)

    joint = joint_result(p, tie, market, happens[2])
    if p.clamp_trust:
        clear(entries)
    else:
        for s in range(SIDES):
            learn(p, b if s == 0 else a, tie, s, entries[s], rates)
            if tie.turnover[0] == 1 or tie.turnover[1] == 1:
                lose_people(p, tie, s, entries[s])
    relate(p, a, b, tie, seed, replicate, month)
    for s in range(SIDES):
        account(p, a if s == 0 else b, tie, s, joint)
        close_ledger(p, tie, s, ties_before, entries[s])
    tie.output += joint
    make_known(p, a, b, tie, seed, replicate, month)
    impair(p, a, b, tie)
    leave(p, a, b, tie, happens[3], moves[2], moves[3], month)
    tie.without = 0


# ---------------------------------------------------------------------------------------------------------------
# All of a run
# ---------------------------------------------------------------------------------------------------------------
@compiled
def organizations_month(p, orgs):
    """Steps 6 and 9: sessions teach an organization to practise what it professes; its public record moves on."""
    for i in range(len(orgs)):
        me = orgs[i]
        me.good = rules.remembered(me.good, p.reputation_forgetting, me.good_now)
        me.bad = rules.remembered(me.bad, p.reputation_forgetting, me.bad_now)
        me.good_now = 0.0
        me.bad_now = 0.0
        me.reputation = rules.reputation(me.good, me.bad, p.reputation_prior)
        me.operationalization = rules.operationalization_after(
            me.operationalization, p.session_learning, me.session_effort, p.relapse, me.operationalization_start
        )


@entry
def month_of_all(
    p,
    orgs,
    columns,
    alliances,
    count,
    events,
    market,
    seed,
    replicate,
    month,
    ledger,
    entries,
    rates,
    scratch,
):
    """One month of a whole run: dated events, the market, every living alliance, every organization.

    ``ledger`` (M, 2, layers, causes) is added to; ``market`` is the level of the general market; the other arguments
    are as in :func:`run`. Returns the level of the market and the number of alliances.
    """
    market = apply_events(orgs, columns, events, month, market)
    if scratch is not None:
        count = market_month(p, orgs, alliances, count, seed, replicate, month, scratch)
    keep_away(alliances, count, events, month)
    for k in range(count):
        tie = alliances[k]
        if tie.alive == 1:
            alliance_month(p, orgs, tie, market, seed, replicate, month, entries, rates)
            add_to(ledger[k], entries)
            if scratch is not None and tie.alive == 0:
                part(orgs, tie)
    organizations_month(p, orgs)
    return rules.toward(market, 1.0, p.market_recovery), count


@entry
def run(
    p, orgs, columns, alliances, count, events, market, seed, replicate, first, months, moments, histogram,
    ledger, entries, rates, scratch,
):  # fmt: skip
    """One run, in place, from month ``first`` to the last, or until there may be too few rows for new alliances.

    Args:
        p: record of the parameters.
        orgs, columns: organizations as records (N,) and the same memory as float64 (N, fields).
        alliances: records (M,), of which ``count`` are in use.
        events: records, see ``state.EVENT``.
        market: level of the general market, 1 in normal times.
        seed, replicate: the key of the draws.
        first, months: the next month, from 1, and the last one. Month 1 also records the start.
        moments: float64 (months + 1, variables, 3), added to.
        histogram: int64 (months + 1, variables, BINS), added to.
        ledger: float64 (M, 2, layers, causes), added to.
        entries, rates: scratch, see :func:`alliance_month`.
        scratch: int64 (6, N) with a market, in which organizations search for partners; None without one, and then
            the market is not even compiled.

    Returns:
        Months done, alliances in use, level of the market. Fewer months than asked for: give it more rows and go on.
    """
    if first == 1:
        observe(alliances, count, months, moments[0], histogram[0])
    for month in range(first, months + 1):
        if scratch is not None and len(alliances) - count < room_needed(orgs, events, month):
            return month - 1, count, market
        market, count = month_of_all(
            p, orgs, columns, alliances, count, events, market, seed, replicate, month, ledger, entries,
            rates, scratch,
        )  # fmt: skip
        observe(alliances, count, months, moments[month], histogram[month])
    return months, count, market


# ---------------------------------------------------------------------------------------------------------------
# Many runs
# ---------------------------------------------------------------------------------------------------------------
@entry
def sign_many(parameters, points, orgs, alliances, seed, replicates):
    """Sign every alliance of many runs in month 0: as :func:`run_many`, with ``orgs`` (R, N), ``alliances`` (R, M)."""
    for r in range(alliances.shape[0]):
        for k in range(alliances.shape[1]):
            sign(parameters[points[r]], orgs[r], alliances[r, k], seed, replicates[r], 0)


@entry
def run_many(
    parameters, points, orgs, columns, alliances, events, seed, replicates, months, moments, histogram, ledger, entries,
    rates,
):  # fmt: skip
    """Many runs without a market, one after the other.

    Args:
        parameters: records, one for each point of a batch, (P,).
        points: int64 (R,), which of them each run has.
        events: records (P, E).
        replicates: int64 (R,).

    The others are as in :func:`run`, with the runs as a first axis on every array but the histogram and the scratch.
    """
    for r in range(len(replicates)):
        run(
            parameters[points[r]], orgs[r], columns[r], alliances[r], alliances.shape[1], events[points[r]], 1.0,
            seed, replicates[r], 1, months, moments[r], histogram, ledger[r], entries, rates, None,
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------
# One run with every month kept
# ---------------------------------------------------------------------------------------------------------------
@entry
def run_history(
    p, orgs, columns, alliances, cells, count, events, market, seed, replicate, months, kept_orgs, kept_alliances,
    levels, ledgers, entries, rates, scratch,
):  # fmt: skip
    """One run, in place, with a copy of its state at the end of every month.

    Args:
        p, orgs, alliances, count, events, market, seed, replicate, months: see :func:`run`; the rows of
            ``alliances`` must be enough to the end.
        columns, cells: the memory of the organizations and of the alliances as float64, (N, fields), (M, fields).
        kept_orgs, kept_alliances: float64 (months + 1, N, fields), (months + 1, K, fields) with room for the K
            alliances of the end; empty where nothing was signed yet. Month 0 is the start.
        levels: float64 (months + 1,), level of the market.
        ledgers: float64 (months, K, 2, layers, causes), of each month, added to.
        entries, rates, scratch: see :func:`run`.

    Returns:
        Alliances in use, level of the market.
    """
    keep(columns, len(columns), kept_orgs[0])
    keep(cells, count, kept_alliances[0])
    levels[0] = market
    for month in range(1, months + 1):
        market, count = month_of_all(
            p, orgs, columns, alliances, count, events, market, seed, replicate, month, ledgers[month - 1], entries,
            rates, scratch,
        )  # fmt: skip
        keep(columns, len(columns), kept_orgs[month])
        keep(cells, count, kept_alliances[month])
        levels[month] = market
    return count, market


@compiled
def keep(cells, count, kept):
    """Copy the first ``count`` rows, each of so many float64."""
    for i in range(count):
        for j in range(cells.shape[1]):
            kept[i, j] = cells[i, j]
