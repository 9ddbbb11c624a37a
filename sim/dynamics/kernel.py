"""A month, a run, many runs. Updates are synchronous: everybody acts on the state at the start of the month.

``alliance_month`` is the order of a month, written once; the steps have the numbers of docs/model.md. The Mesa view and
the sweeps call the same functions. Nothing here reads files, prints or keeps state of its own.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import math

from sim.dynamics import draws, rules
from sim.dynamics.compiled import compiled
from sim.dynamics.state import (
    ADD_TRAIT,
    BAD_WORK,
    BINS,
    BLAME,
    BREACH,
    BY_ADAPTATION,
    BY_BEING_MONITORED,
    BY_BLAME,
    BY_BOUND,
    BY_BREACH,
    BY_DELIVERY,
    BY_DISAPPOINTMENT,
    BY_FESTERING,
    BY_HARD_TALK,
    BY_PEOPLE,
    BY_TIES,
    BY_TURNOVER,
    CRASH,
    DISAPPOINTMENT,
    DISTRUST,
    EFFECTIVE,
    EXOGENOUS,
    FESTERING,
    FIRST_TRAIT,
    FIRST_WISHED,
    FRICTION,
    GOING_ON,
    HARD_TALK,
    HIGHS,
    KEY_PERSON_LEAVES,
    LAYERS,
    LEARNED,
    LOWS,
    N_CAUSES,
    NO_PROBLEM,
    NOTHING,
    ORGANIZATIONAL,
    PERSONAL,
    REFUSAL,
    SET_TRAIT,
    SHIRKING,
    TRAIT_HIGHS,
    TRAIT_LOWS,
    TRAIT_NUMBER,
    VALUE,
)

SIDES = 2
ISSUES = 3  # fault of A, fault of B, friction
N_LAYERS = len(LAYERS)
OPERATIONALIZATION = TRAIT_NUMBER["operationalization"]


# ---------------------------------------------------------------------------------------------------------------
# The steps of a month
# ---------------------------------------------------------------------------------------------------------------
@compiled
def disclose(p, a, b, tie):
    """Step 1: what the partners are willing to say sets where communication moves to."""
    willingness = rules.hill(rules.mutual_trust(tie.effective[0], tie.effective[1]), p.trust_half, p.trust_steepness)
    scale = rules.candour(
        p.openness_weight,
        math.sqrt(a.openness * b.openness),
        p.internal_trust_weight,
        math.sqrt(a.internal_trust * b.internal_trust),
        p.ties_candour,
        tie.ties,
    )
    floor = rules.lifted_floor(p.openness_floor, p.contract_clarity, tie.coverage)
    tie.disclosure = rules.disclosure(floor, willingness, scale)


@compiled
def watch(p, me, tie, s):
    """Step 2: side ``s`` decides what it spends on watching its partner."""
    optimum = rules.optimal_monitoring(p.monitoring_effect, p.loss_at_stake, tie.effective[s])
    tie.monitoring[s] = rules.monitoring_spent(me.monitoring, me.verify_floor, optimum)
    tie.watching[s] = rules.watched(p.monitoring_effect, tie.monitoring[s])


@compiled
def exert(p, tie, s):
    """Step 3: how much of the extra mile side ``s`` goes."""
    tie.effort[s] = rules.extra_mile(
        p.effort_base,
        p.effort_chemistry * tie.chemistry,
        p.effort_trust * tie.effective[s],
        p.effort_frustration * tie.frustration[s],
    )


@compiled
def adapts(p, me, tie, s, uniform):
    """Step 3: does side ``s`` adapt to a contingency that the contract does not cover?"""
    score = rules.adapting_score(
        p.adapt_base,
        p.adapt_trust * tie.effective[s],
        p.adapt_ties * tie.ties,
        p.adapt_chemistry * tie.chemistry,
        p.adapt_integrity * me.integrity,
        p.adapt_deterrence * tie.watching[1 - s],
        p.adapt_frustration * tie.frustration[s],
    )
    return uniform < rules.chance_to_adapt(p.adapt_floor, score)


@compiled
def work(p, a, b, tie, happens, seed, replicate, month):
    """Step 3: contingencies, each one's own work, shirking and friction leave this month's problems."""
    conduct = draws.four(seed, replicate, month, draws.CONDUCT, a.key, b.key)

    tie.contingency = 0
    tie.adapted[0] = 0
    tie.adapted[1] = 0
    if happens[0] < p.contingency_rate:
        met = draws.four(seed, replicate, month, draws.CONTINGENCY, a.key, b.key)
        tie.contingency = 1
        if met[0] >= tie.coverage:
            tie.contingency = 2
            tie.adapted[0] = adapts(p, a, tie, 0, met[1])
            tie.adapted[1] = adapts(p, b, tie, 1, met[2])

    for s in range(SIDES):
        me = a if s == 0 else b
        tie.shirked[s] = conduct[2 + s] < rules.shirk_chance(p.shirk_rate, me.integrity, tie.watching[1 - s])
        tie.problem[s] = NO_PROBLEM
        if conduct[s] >= me.competence:
            tie.problem[s] = BAD_WORK
        if tie.contingency == 2 and tie.adapted[s] == 0:
            tie.problem[s] = REFUSAL
        if tie.shirked[s] == 1:
            shows = draws.four(seed, replicate, month, draws.NOTICING, a.key, b.key)
            detection = rules.watched(p.detection_effect, tie.monitoring[1 - s])
            if shows[s] < rules.either(p.shirk_visibility, detection):
                tie.problem[s] = SHIRKING  # the gravest explanation is the one that counts

    rub = rules.friction_chance(
        p.friction_base, p.friction_gap, tie.gap, p.friction_power, p.friction_relief, tie.communication
    )
    tie.problem[2] = FRICTION if happens[1] < rub else NO_PROBLEM


@compiled
def frames_well(p, me, tie, s, uniform):
    """Step 4: does side ``s`` frame what it raises as a problem to solve?"""
    return uniform < rules.constructive_chance(
        p.frame_base,
        p.frame_trust * tie.effective[s],
        p.frame_operationalization * me.operationalization,
        p.frame_blame * me.blame,
    )


@compiled
def talk(p, a, b, tie, seed, replicate, month):
    """Step 4: each problem is said aloud or festers; what is said becomes a hard talk or blame.

    A fault is raised by the partner who suffered it, or found by its monitoring; friction by either side, at random.
    """
    for q in range(ISSUES):
        tie.talk[q] = NOTHING
    if tie.problem[0] == NO_PROBLEM and tie.problem[1] == NO_PROBLEM and tie.problem[2] == NO_PROBLEM:
        return
    aloud = draws.four(seed, replicate, month, draws.SURFACING, a.key, b.key)
    framed = draws.four(seed, replicate, month, draws.FRAMING, a.key, b.key)
    said = rules.voice(tie.communication, p.silence, 0.5 * (a.internal_trust + b.internal_trust))
    for q in range(ISSUES):
        if tie.problem[q] == NO_PROBLEM:
            continue
        if q < 2:
            raiser = 1 - q
            chance = rules.either(said, rules.watched(p.detection_effect, tie.monitoring[raiser]))
        else:
            raiser = 0 if framed[3] < 0.5 else 1
            chance = said
        if aloud[q] >= chance:
            tie.talk[q] = FESTERING
        elif frames_well(p, a if raiser == 0 else b, tie, raiser, framed[q]):
            tie.talk[q] = HARD_TALK
        else:
            tie.talk[q] = BLAME


@compiled
def weight_of(p, problem):
    """Step 5: how much a problem weighs in trust; failures of integrity more than failures of competence."""
    if problem == SHIRKING:
        return p.integrity_weight
    if problem == BAD_WORK:
        return p.competence_weight
    return 1.0


@compiled
def rates_of_change(p, partner, tie, s, rates):
    """Step 5: the signed monthly rate of each cause that moves the trust of side ``s`` in its partner."""
    j = 1 - s
    for cause in range(LEARNED):
        rates[cause] = 0.0
    credit = rules.attribution(p.control_attribution, tie.watching[s])
    if tie.problem[j] == NO_PROBLEM:
        rates[BY_DELIVERY] = rules.delivery_rate(p.trust_gain, tie.communication, credit)
    if tie.adapted[j] == 1:
        rates[BY_ADAPTATION] = p.trust_gain * p.adaptation_gain * credit
    for q in range(ISSUES):
        weight = weight_of(p, tie.problem[q]) if q == j else 1.0
        if tie.talk[q] == HARD_TALK:
            rates[BY_HARD_TALK] += p.trust_gain * p.hard_talk_gain
        elif tie.talk[q] == BLAME:
            rates[BY_BLAME] -= p.trust_loss * p.blame_weight * weight
        elif tie.talk[q] == FESTERING and q != s:
            rates[BY_FESTERING] -= p.trust_loss * weight
    rates[BY_BREACH] = -partner.breach_now
    rates[BY_BEING_MONITORED] = -p.monitoring_resentment * rules.illegitimate_monitoring(
        tie.monitoring[j], p.legitimate_monitoring
    )
    rates[BY_DISAPPOINTMENT] = -p.disappointment_loss * min(
        1.0, rules.shortfall(tie.expectation[s], tie.smoothed[s], tie.plan)
    )


@compiled
def learn(p, partner, tie, s, entries, rates):
    """Step 5: both layers of the trust of side ``s`` move by named causes; each move is entered in the ledger.

    ``entries`` has shape (layers, causes) and holds this month's entries of this side.
    """
    organizational = tie.trust[s]
    personal = tie.personal[s]
    passed = rules.passed_on(p.people_rate, tie.ties, personal, organizational)
    rates_of_change(p, partner, tie, s, rates)
    for cause in range(LEARNED):
        rate = rates[cause]
        step = rules.trust_step(tie.trust[s], rules.within(rate, -1.0, 1.0))
        personal_step = rules.trust_step(tie.personal[s], rules.within(rate * p.personal_speed, -1.0, 1.0))
        entries[ORGANIZATIONAL, cause] = step
        entries[PERSONAL, cause] = personal_step
        organizational += step
        personal += personal_step
    entries[ORGANIZATIONAL, BY_PEOPLE] = passed
    organizational += passed
    bound = rules.held_back(organizational)
    entries[ORGANIZATIONAL, BY_BOUND] = bound
    entries[PERSONAL, BY_BOUND] = rules.held_back(personal)
    tie.trust[s] = organizational + bound
    tie.personal[s] = personal + entries[PERSONAL, BY_BOUND]


@compiled
def lose_people(p, tie, s, entries):
    """Step 6: a key person left, so personal trust falls back towards organizational trust."""
    step = -p.turnover_trust_loss * (tie.personal[s] - tie.trust[s])
    entries[PERSONAL, BY_TURNOVER] += step
    tie.personal[s] += step


@compiled
def relate(p, a, b, tie, seed, replicate, month):
    """Step 6: communication, ties, gap and chemistry move on; moves of key people are in ``tie.turnover``."""
    moved = tie.turnover[0] + tie.turnover[1]
    hard_talks = 0
    blames = 0
    for q in range(ISSUES):
        hard_talks += tie.talk[q] == HARD_TALK
        blames += tie.talk[q] == BLAME
    if not p.clamp_communication:
        tie.communication = rules.toward(tie.communication, tie.disclosure, p.communication_speed) * rules.kept(
            p.blame_chill, blames
        )
    if not p.clamp_ties:
        tie.ties = rules.ties_after(
            tie.ties, p.ties_growth, a.relational_investment, b.relational_investment, p.ties_decay
        ) * rules.kept(p.turnover_ties_loss, moved)
    if not p.clamp_gap:
        distance = rules.practised_distance(
            a.operationalization, a.professed, a.default_culture, b.operationalization, b.professed, b.default_culture
        )
        tie.gap = rules.gap_after(tie.gap, a.session_effort, b.session_effort, p.relapse, distance) * rules.kept(
            p.gap_repair, hard_talks
        )
    if moved > 0:
        meet = draws.four(seed, replicate, month, draws.NOTICING, a.key, b.key)
        tie.chemistry = rules.chemistry_drawn(p.chemistry, p.chemistry_spread, meet[2])
    tie.hard_talks += hard_talks
    tie.blames += blames


@compiled
def joint_result(p, tie, market, uniform):
    """Step 7: what the month's work was worth to both together, before anybody's own costs, money."""
    work_done = rules.base_output(
        market, p.extra_effort, 0.5 * (tie.effort[0] + tie.effort[1]), p.coordination_loss, tie.communication
    )
    shared = rules.synergy_output(
        market,
        p.synergy,
        tie.complementarity,
        tie.communication,
        rules.mutual_trust(tie.effective[0], tie.effective[1]),
        tie.gap,
    )
    created = 0.0
    lost = 0.0
    if tie.contingency == 2:
        tie.contingencies += 1
        if tie.adapted[0] == 1 and tie.adapted[1] == 1:
            tie.met_together += 1
            created = p.creativity_value
        else:
            lost += p.contingency_loss
    for q in range(ISSUES):
        if tie.problem[q] != NO_PROBLEM:
            tie.problems += 1
        if tie.problem[q] == BAD_WORK:
            lost += p.fault_cost
        if tie.problem[q] == FRICTION and tie.talk[q] != HARD_TALK:
            lost += p.friction_cost
        if tie.talk[q] == FESTERING:
            tie.festered += 1
    tie.synergy += shared
    tie.creativity += created
    tie.losses += lost
    return work_done + shared + created - lost + rules.market_shock(p.market_volatility, uniform)


@compiled
def account(p, me, tie, s, joint):
    """Step 7: side ``s`` books its half of the joint result, its own costs and losses, and learns what to expect."""
    j = 1 - s
    people = rules.relational_spending(p.relational_cost, me.relational_investment) + p.session_cost * me.session_effort
    contract = 0.5 * p.contracting_cost * p.contract_tightness if tie.age == 1 else 0.0
    cheated = 0.0
    if tie.shirked[j] == 1:
        tie.shirks += 1
        cheated = p.loss_at_stake * (1.0 - p.recovery * (tie.problem[j] == SHIRKING))
    net = 0.5 * joint - tie.monitoring[s] - people - contract - cheated
    short = rules.shortfall(tie.expectation[s], tie.smoothed[s], tie.plan)
    if not p.clamp_frustration:
        tie.frustration[s] = rules.frustration_after(
            tie.frustration[s], p.frustration_gain, short, p.frustration_relief
        )
    if not p.clamp_expectation:
        tie.expectation[s] = rules.toward(tie.expectation[s], net, p.expectation_learning)
    tie.smoothed[s] = rules.toward(tie.smoothed[s], net, p.value_smoothing)
    tie.net[s] = net
    tie.value[s] += net
    tie.losses += cheated
    tie.monitoring_cost += tie.monitoring[s]
    tie.relational_cost += people
    tie.governance_cost += contract


@compiled
def impair(p, a, b, tie):
    """Step 7: goodwill is tested at intervals and written down when expectation has fallen; it is never written up."""
    if tie.age % p.impairment_interval >= 1.0:
        return
    carried = rules.goodwill(tie.expectation[0], a.outside_option, tie.annuity) + rules.goodwill(
        tie.expectation[1], b.outside_option, tie.annuity
    )
    if carried < tie.goodwill:
        tie.written_off += tie.goodwill - carried
        tie.goodwill = carried


@compiled
def leave(p, a, b, tie, exogenous, leaves_a, leaves_b, month):
    """Step 8: competing risks; when several strike in one month, distrust is recorded before disappointment."""
    cause = GOING_ON
    if exogenous < p.exogenous_exit:
        cause = EXOGENOUS
    if (tie.smoothed[0] < a.outside_option and leaves_a < p.disappointment_exit) or (
        tie.smoothed[1] < b.outside_option and leaves_b < p.disappointment_exit
    ):
        cause = DISAPPOINTMENT
    if tie.effective[0] < p.trust_exit or tie.effective[1] < p.trust_exit:
        cause = DISTRUST
    if cause != GOING_ON:
        tie.alive = 0
        tie.cause = cause
        tie.ended = month
        tie.written_off += tie.goodwill
        tie.goodwill = 0.0


@compiled
def close_ledger(p, tie, s, ties_before, entries):
    """Effective trust at the end of the month, and its ledger from those of the two layers.

    Δτ = (1 − ψK)·ΔT + ψK·ΔP + ψ·ΔK·(P' − T'), exactly; the last term is the entry ``ties``.
    """
    share = p.ties_weight * ties_before
    for cause in range(N_CAUSES):
        entries[EFFECTIVE, cause] = (1.0 - share) * entries[ORGANIZATIONAL, cause] + share * entries[PERSONAL, cause]
    entries[EFFECTIVE, BY_TIES] = p.ties_weight * (tie.ties - ties_before) * (tie.personal[s] - tie.trust[s])
    tie.effective[s] = rules.effective_trust(p.ties_weight, tie.ties, tie.personal[s], tie.trust[s])


@compiled
def clear(entries):
    """Empty a month's ledger, float64 (2, layers, causes)."""
    for s in range(SIDES):
        for layer in range(N_LAYERS):
            for cause in range(N_CAUSES):
                entries[s, layer, cause] = 0.0


@compiled
def add_to(total, entries):
    """Add a month's ledger to a total, both float64 (2, layers, causes). Explicit loops: no temporary array."""
    for s in range(SIDES):
        for layer in range(N_LAYERS):
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
            watch(p, me, tie, s)
        exert(p, tie, s)
        tie.turnover[s] = moves[s] < me.turnover or me.turnover_now > 0.0
    work(p, a, b, tie, happens, seed, replicate, month)
    talk(p, a, b, tie, seed, replicate, month)

    joint = joint_result(p, tie, market, happens[2])
    clear(entries)
    if not p.clamp_trust:
        for s in range(SIDES):
            learn(p, b if s == 0 else a, tie, s, entries[s], rates)
            if tie.turnover[0] == 1 or tie.turnover[1] == 1:
                lose_people(p, tie, s, entries[s])
    relate(p, a, b, tie, seed, replicate, month)
    for s in range(SIDES):
        account(p, a if s == 0 else b, tie, s, joint)
        close_ledger(p, tie, s, ties_before, entries[s])
    tie.output += joint
    tie.extra_mile += 0.5 * (tie.effort[0] + tie.effort[1])
    impair(p, a, b, tie)
    leave(p, a, b, tie, happens[3], moves[2], moves[3], month)


# ---------------------------------------------------------------------------------------------------------------
# Dated events
# ---------------------------------------------------------------------------------------------------------------
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
def organizations_month(p, orgs):
    """Step 6: joint operationalization sessions teach an organization to practise what it professes; relapse."""
    for i in range(len(orgs)):
        me = orgs[i]
        me.operationalization = rules.operationalization_after(
            me.operationalization, p.session_learning, me.session_effort, p.relapse, me.operationalization_start
        )


# ---------------------------------------------------------------------------------------------------------------
# Recording
# ---------------------------------------------------------------------------------------------------------------
@compiled
def note(x, v, scale, moments, histogram):
    """Enter one observation of variable ``v``: count, sum, sum of squares, and its bin on a range times ``scale``."""
    moments[v, 0] += 1.0
    moments[v, 1] += x
    moments[v, 2] += x * x
    position = (x / scale - LOWS[v]) / (HIGHS[v] - LOWS[v]) * BINS
    histogram[v, int(rules.within(position, 0.0, BINS - 1.0))] += 1


@compiled
def observe(alliances, months, moments, histogram):
    """Enter every alliance's state at the end of a month; the order of the variables is ``state.VARIABLES``.

    Args:
        alliances: records, (M,).
        months: horizon of the run; the histogram of ``value`` is scaled by it.
        moments: float64 (variables, 3): count, sum, sum of squares.
        histogram: int64 (variables, BINS).
    """
    for k in range(len(alliances)):
        tie = alliances[k]
        if tie.alive == 1:
            note(0.5 * (tie.effective[0] + tie.effective[1]), 0, 1.0, moments, histogram)
            note(tie.communication, 1, 1.0, moments, histogram)
            note(tie.ties, 2, 1.0, moments, histogram)
            note(tie.gap, 3, 1.0, moments, histogram)
            note(0.5 * (tie.frustration[0] + tie.frustration[1]), 4, 1.0, moments, histogram)
            note(0.5 * (tie.monitoring[0] + tie.monitoring[1]), 5, 1.0, moments, histogram)
            note(0.5 * (tie.expectation[0] + tie.expectation[1]), 7, 1.0, moments, histogram)
            if tie.age > 0:
                note(0.5 * (tie.effort[0] + tie.effort[1]), 6, 1.0, moments, histogram)
                note(0.5 * (tie.net[0] + tie.net[1]), 8, 1.0, moments, histogram)
        note(tie.value[0] + tie.value[1], VALUE, float(months), moments, histogram)


# ---------------------------------------------------------------------------------------------------------------
# A month, a run, many runs
# ---------------------------------------------------------------------------------------------------------------
@compiled
def month_of_all(p, orgs, columns, alliances, events, market, seed, replicate, month, ledger, entries, rates):
    """One month of a whole run: dated events, every living alliance, every organization, the market.

    ``ledger`` (M, 2, layers, causes) is added to; the other arguments are as in :func:`run`. Returns the market.
    """
    market = apply_events(orgs, columns, events, month, market)
    for k in range(len(alliances)):
        if alliances[k].alive == 1:
            alliance_month(p, orgs, alliances[k], market, seed, replicate, month, entries, rates)
            add_to(ledger[k], entries)
    organizations_month(p, orgs)
    return rules.toward(market, 1.0, p.market_recovery)


@compiled
def run(p, orgs, columns, alliances, events, seed, replicate, months, moments, histogram, ledger, entries, rates):
    """One run, in place.

    Args:
        p: record of the parameters.
        orgs, columns: organizations as records (N,) and the same memory as float64 (N, fields).
        alliances: records (M,).
        events: records, see ``state.EVENT``.
        seed, replicate: the key of the draws.
        months: how many.
        moments: float64 (months + 1, variables, 3), added to.
        histogram: int64 (months + 1, variables, BINS), added to.
        ledger: float64 (M, 2, layers, causes), added to.
        entries, rates: scratch, see :func:`alliance_month`.
    """
    market = 1.0
    observe(alliances, months, moments[0], histogram[0])
    for month in range(1, months + 1):
        market = month_of_all(
            p, orgs, columns, alliances, events, market, seed, replicate, month, ledger, entries, rates
        )
        observe(alliances, months, moments[month], histogram[month])


@compiled
def run_many(p, orgs, columns, alliances, events, seed, replicates, months, moments, histogram, ledger, entries, rates):
    """Many runs, one after the other: as :func:`run`, with a replicate axis first on every array but the histogram."""
    for r in range(len(replicates)):
        run(
            p,
            orgs[r],
            columns[r],
            alliances[r],
            events,
            seed,
            replicates[r],
            months,
            moments[r],
            histogram,
            ledger[r],
            entries,
            rates,
        )


# ---------------------------------------------------------------------------------------------------------------
# The signature
# ---------------------------------------------------------------------------------------------------------------
@compiled
def sign(p, a, b, tie, start):
    """The state of an alliance on the day it is signed.

    Args:
        p, a, b, tie: as in :func:`alliance_month`.
        start: four numbers: trust of A in B, of B in A, then uniforms for chemistry and complementarity.
    """
    tie.alive = 1
    tie.communication = p.communication_start
    tie.ties = p.ties_start
    tie.gap = rules.practised_distance(
        a.operationalization, a.professed, a.default_culture, b.operationalization, b.professed, b.default_culture
    )
    tie.chemistry = rules.chemistry_drawn(p.chemistry, p.chemistry_spread, start[2])
    tie.complementarity = rules.within(p.complementarity + p.complementarity_spread * (2.0 * start[3] - 1.0), 0.0, 1.0)
    tie.coverage = rules.coverage(p.contract_tightness, p.contract_scale, p.contract_cap)
    tie.annuity = rules.annuity(p.discount_rate, p.goodwill_months)
    tie.plan = rules.sober_plan(p.synergy, tie.complementarity, p.planned_quality)
    for s in range(SIDES):
        me = a if s == 0 else b
        tie.trust[s] = start[s]
        tie.personal[s] = start[s]
        tie.effective[s] = start[s]
        tie.trust_start[s] = start[s]
        tie.expectation[s] = tie.plan * (1.0 + me.optimism)
        tie.expectation_start[s] = tie.expectation[s]
        tie.smoothed[s] = tie.expectation[s]  # before the first result, the partners see what they expect
        watch(p, me, tie, s)
        tie.goodwill += rules.goodwill(tie.expectation[s], me.outside_option, tie.annuity)
    tie.goodwill_start = tie.goodwill


@compiled
def sign_many(p, orgs, alliances, starts):
    """Sign every alliance of many runs: ``orgs`` (R, N), ``alliances`` (R, M), ``starts`` float64 (R, M, 4)."""
    for r in range(alliances.shape[0]):
        for k in range(alliances.shape[1]):
            tie = alliances[r, k]
            sign(p, orgs[r, tie.org[0]], orgs[r, tie.org[1]], tie, starts[r, k])
