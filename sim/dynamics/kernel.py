"""A month, a run, many runs. Updates are synchronous: everybody acts on the state at the start of the month.

``alliance_month`` is the order of a month, written once; the steps have the numbers of docs/model.md. The Mesa view and
the sweeps call the same functions. Nothing here reads files, prints or keeps state of its own.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import math

import numpy as np

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
    KEPT_AWAY,
    KEY_PERSON_LEAVES,
    LAYERS,
    LEARNED,
    LOWS,
    N_CAUSES,
    NO_BAD_WORK,
    NO_BLAME,
    NO_CONTINGENCY,
    NO_ENDING,
    NO_FESTERING,
    NO_FRICTION,
    NO_HARD_TALK,
    NO_PROBLEM,
    NO_SHIRKING,
    NO_TURNOVER,
    NOBODY,
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
from sim.parameters import PLACES

SIDES = 2
ISSUES = 3  # fault of A, fault of B, friction
QUESTIONS = 6  # of an interview
TIE = 1e-9  # evidence that differs by less is the same: sums of logarithms in another order differ by less
N_LAYERS = len(LAYERS)
OPERATIONALIZATION = TRAIT_NUMBER["operationalization"]


# ---------------------------------------------------------------------------------------------------------------
# The steps of a month
# ---------------------------------------------------------------------------------------------------------------
@compiled
def practise(a, b, tie):
    """Distance of practised values, and of words and deeds of each side, again when a practice has changed."""
    if tie.practice[0] == a.operationalization and tie.practice[1] == b.operationalization:
        return
    tie.practice[0] = a.operationalization
    tie.practice[1] = b.operationalization
    tie.distance = rules.practised_distance(
        a.operationalization, a.professed, a.default_culture, b.operationalization, b.professed, b.default_culture
    )
    tie.words[0] = rules.practice_gap(a.operationalization, a.professed, a.default_culture)
    tie.words[1] = rules.practice_gap(b.operationalization, b.professed, b.default_culture)


@compiled
def disclose(p, a, b, tie):
    """Step 1: what the partners are willing to say sets where communication moves to."""
    candour = rules.candour(
        p.internal_trust_weight,
        math.sqrt(a.internal_trust * b.internal_trust),
        p.ties_candour,
        tie.ties,
    )
    willingness = rules.hill(
        rules.mutual_trust(tie.effective[0], tie.effective[1]), p.trust_half / candour, p.trust_steepness
    )
    floor = rules.lifted_floor(p.openness_floor, p.contract_clarity, tie.coverage)
    tie.disclosure = rules.disclosure(
        floor, willingness, rules.reach(tie.channels, p.openness_weight, math.sqrt(a.openness * b.openness))
    )


@compiled
def ill_fame(partner):
    """How far the partner's reputation lies below the neutral one, as a share of it, [0, 1)."""
    return max(0.0, 1.0 - 2.0 * partner.reputation)


@compiled
def watch(p, me, partner, tie, s):
    """Step 2: side ``s`` decides what it spends on watching its partner."""
    risk = rules.perceived_risk(tie.effective[s], p.reputation_alarm, ill_fame(partner))
    optimum = rules.optimal_monitoring(p.monitoring_effect, p.loss_at_stake, risk)
    tie.monitoring[s] = rules.monitoring_spent(me.monitoring, me.verify_floor, optimum)
    tie.watching[s] = rules.watched(p.monitoring_effect, tie.monitoring[s])


@compiled
def exert(p, tie, s):
    """Step 3: how much of the extra mile side ``s`` goes, and what it leaves to its partner to decide."""
    tie.delegation[s] = rules.delegation(
        p.delegation_base, p.delegation_trust * tie.effective[s], p.delegation_misreading * tie.misread[s]
    )
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
    if happens[0] < p.contingency_rate and not tie.without & NO_CONTINGENCY:
        met = draws.four(seed, replicate, month, draws.CONTINGENCY, a.key, b.key)
        tie.contingency = 1
        if met[0] >= tie.coverage:
            tie.contingency = 2
            tie.adapted[0] = adapts(p, a, tie, 0, met[1])
            tie.adapted[1] = adapts(p, b, tie, 1, met[2])

    for s in range(SIDES):
        me = a if s == 0 else b
        shirk = rules.shirk_chance(p.shirk_rate, me.integrity, tie.watching[1 - s])
        tie.shirked[s] = conduct[2 + s] < shirk and not tie.without & NO_SHIRKING
        tie.problem[s] = NO_PROBLEM
        if conduct[s] >= me.competence and not tie.without & NO_BAD_WORK:
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
    tie.problem[2] = FRICTION if happens[1] < rub and not tie.without & NO_FRICTION else NO_PROBLEM


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
            tie.talk[q] = NOTHING if tie.without & NO_FESTERING else FESTERING
        elif frames_well(p, a if raiser == 0 else b, tie, raiser, framed[q]):
            tie.talk[q] = NOTHING if tie.without & NO_HARD_TALK else HARD_TALK
        else:
            tie.talk[q] = NOTHING if tie.without & NO_BLAME else BLAME


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
    credit = rules.credited(tie.communication, rules.attribution(p.control_attribution, tie.watching[s]))
    if tie.problem[j] == NO_PROBLEM:
        rates[BY_DELIVERY] = p.trust_gain * credit
    if tie.adapted[j] == 1:
        rates[BY_ADAPTATION] = p.trust_gain * p.adaptation_gain * credit
    for q in range(ISSUES):
        weight = weight_of(p, tie.problem[q]) if q == j else 1.0
        if tie.talk[q] == HARD_TALK:
            rates[BY_HARD_TALK] += p.trust_gain * p.hard_talk_gain * tie.communication
        elif tie.talk[q] == BLAME:
            rates[BY_BLAME] -= p.trust_loss * p.blame_weight * weight
        elif tie.talk[q] == FESTERING and q != s:
            rates[BY_FESTERING] -= p.trust_loss * weight
    rates[BY_BREACH] = -partner.breach_now
    rates[BY_BEING_MONITORED] = -p.monitoring_resentment * rules.illegitimate_monitoring(
        tie.monitoring[j], p.legitimate_monitoring
    )
    rates[BY_DISAPPOINTMENT] = -p.disappointment_loss * min(
        1.0, rules.shortfall(tie.expectation[s], tie.smoothed[s], tie.plan, p.shortfall_tolerance)
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
    routine = rules.routine_ceiling(p.routine_ceiling, tie.communication)
    for cause in range(LEARNED):
        rate = rates[cause]
        ceiling = routine if cause == BY_DELIVERY else 1.0
        step = rules.trust_step(tie.trust[s], rules.within(rate, -1.0, 1.0), ceiling)
        personal_step = rules.trust_step(tie.personal[s], rules.within(rate * p.personal_speed, -1.0, 1.0), ceiling)
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
    step = rules.strangers_trust(tie.personal[s], tie.trust[s], p.turnover_trust_loss)
    entries[PERSONAL, BY_TURNOVER] += step
    tie.personal[s] += step


@compiled
def relate(p, a, b, tie, seed, replicate, month):
    """Step 6: communication, ties, gap and chemistry move on; moves of key people are in ``tie.turnover``."""
    practise(a, b, tie)
    moved = tie.turnover[0] + tie.turnover[1]
    hard_talks = 0
    blames = 0
    for q in range(ISSUES):
        hard_talks += tie.talk[q] == HARD_TALK
        blames += tie.talk[q] == BLAME
    if not p.clamp_communication:
        said = rules.toward(tie.communication, tie.disclosure, p.communication_speed) * rules.kept(
            p.blame_chill, blames
        )
        if p.communication_noise > 0.0:
            occasion = draws.four(seed, replicate, month, draws.TALKING, a.key, b.key)[0]
            said = rules.occasions(said, rules.logistic_draw(p.communication_noise, occasion))
        tie.communication = said
    if not p.clamp_ties:
        tie.ties = rules.ties_after(
            tie.ties, p.ties_growth, a.relational_investment, b.relational_investment, p.ties_decay
        ) * rules.kept(p.turnover_ties_loss, moved)
    if not p.clamp_gap:
        tie.gap = rules.gap_after(tie.gap, a.session_effort, b.session_effort, p.relapse, tie.distance) * rules.kept(
            p.gap_repair, hard_talks
        )
    if moved > 0:
        meet = draws.four(seed, replicate, month, draws.NOTICING, a.key, b.key)
        tie.chemistry = rules.chemistry_drawn(p.chemistry, p.chemistry_spread, meet[2])
    tie.hard_talks += hard_talks
    tie.blames += blames
    for s in range(SIDES):
        gap_of_words = tie.words[1 - s]
        tie.misread[s] = rules.misreading_after(tie.misread[s], gap_of_words, p.inference_rate, tie.communication)
        if tie.turnover[1 - s] == 1:
            tie.misread[s] = gap_of_words  # new people at the partner's: one starts from their words again
        tie.misreading += 0.5 * tie.misread[s]


@compiled
def foresee(p, tie):
    """Step 7: what each side had forecast of the other's adapting is held against what it did, and learns from it."""
    for s in range(SIDES):
        act = float(tie.adapted[1 - s])
        tie.forecast_error += (act - tie.forecast[s]) ** 2
        tie.forecast[s] = rules.toward(tie.forecast[s], act, p.forecast_learning)


@compiled
def joint_result(p, tie, market, uniform):
    """Step 7: what the month's work was worth to both together, before anybody's own costs, money."""
    tie.fortune = rules.fortune_after(
        tie.fortune, p.fortune_recovery, rules.logistic_draw(p.market_volatility, uniform)
    )
    level = market * tie.fortune
    delegated = 0.5 * (tie.delegation[0] + tie.delegation[1])
    running = rules.coordination(
        p.coordination_loss, tie.communication, delegated, 0.5 * (tie.misread[0] + tie.misread[1])
    )
    work_done = rules.base_output(level, p.extra_effort, 0.5 * (tie.effort[0] + tie.effort[1]), running)
    mutual = rules.mutual_trust(tie.effective[0], tie.effective[1])
    tie.know_how = rules.know_how_after(
        tie.know_how,
        rules.absorbed(tie.complementarity, tie.communication, mutual, tie.gap),
        p.know_how_speed,
        p.know_how_returns,
    )
    shared = rules.synergy_output(level, p.synergy, tie.know_how)
    created = 0.0
    lost = 0.0
    if tie.contingency == 2:
        tie.contingencies += 1
        if tie.adapted[0] == 1 and tie.adapted[1] == 1:
            tie.met_together += 1
            created = p.creativity_value
        else:
            lost += p.contingency_loss
        foresee(p, tie)
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
    tie.extra_mile += 0.5 * (tie.effort[0] + tie.effort[1])
    tie.delegated += delegated
    return work_done + shared + created - lost


@compiled
def account(p, me, tie, s, joint):
    """Step 7: side ``s`` books its half of the joint result, its own costs and losses, and learns what to expect."""
    j = 1 - s
    people = rules.relational_spending(p.relational_cost, me.relational_investment)
    if me.session_effort > 0.0:
        people += p.session_fixed_cost + p.session_cost * me.session_effort
    cheated = 0.0
    if tie.shirked[j] == 1:
        tie.shirks += 1
        cheated = p.loss_at_stake * (1.0 - p.recovery * (tie.problem[j] == SHIRKING))
    net = 0.5 * joint - tie.monitoring[s] - people - cheated
    short = rules.shortfall(tie.expectation[s], tie.smoothed[s], tie.plan, p.shortfall_tolerance)
    if not p.clamp_frustration:
        tie.frustration[s] = rules.frustration_after(
            tie.frustration[s], p.frustration_gain, short, p.frustration_relief
        )
    if not p.clamp_expectation:
        tie.expectation[s] = rules.toward(tie.expectation[s], net, p.expectation_learning)
    tie.smoothed[s] = rules.toward(tie.smoothed[s], net, p.value_smoothing)
    tie.net[s] = net
    tie.value[s] += net
    tie.apart += me.outside_option
    tie.losses += cheated
    tie.monitoring_cost += tie.monitoring[s]
    tie.relational_cost += people


@compiled
def impair(p, a, b, tie):
    """Step 7: goodwill is tested at intervals and written down when expectation has fallen; it is never written up."""
    if tie.age % p.impairment_interval >= 1.0:
        return
    recoverable = rules.goodwill(tie.expectation[0], a.outside_option, tie.annuity) + rules.goodwill(
        tie.expectation[1], b.outside_option, tie.annuity
    )
    impaired = rules.impairment(tie.goodwill, recoverable, p.impairment_headroom)
    tie.written_off += impaired
    tie.goodwill -= impaired


@compiled
def leave(p, a, b, tie, exogenous, leaves_a, leaves_b, month):
    """Step 8: competing risks; when several strike in one month, distrust is recorded before disappointment.

    What is left of goodwill is sold with the alliance at a strategic end, and written off at any other.
    """
    cause = GOING_ON
    who = 0
    if exogenous < p.exogenous_exit:
        cause = EXOGENOUS
    fed_up = (tie.smoothed[0] < a.outside_option and leaves_a < p.disappointment_exit) + 2 * (
        tie.smoothed[1] < b.outside_option and leaves_b < p.disappointment_exit
    )
    if fed_up > 0:
        cause = DISAPPOINTMENT
        who = fed_up
    distrusting = (tie.effective[0] < p.trust_exit) + 2 * (tie.effective[1] < p.trust_exit)
    if distrusting > 0:
        cause = DISTRUST
        who = distrusting
    if cause == GOING_ON or tie.without & NO_ENDING:
        return
    tie.alive = 0
    tie.cause = cause
    tie.left_by = who
    tie.ended = month
    if cause == EXOGENOUS:
        tie.realized += tie.goodwill
    else:
        tie.written_off += tie.goodwill
    tie.goodwill = 0.0


@compiled
def make_known(p, orgs, a, b, tie, seed, replicate, month):
    """Step 9: telling acts of the month become known, or do not, and may be reported the wrong way round.

    Telling is what could have gone otherwise: to adapt or refuse, to shirk and be noticed, to break faith. Only what is
    observed counts, never what an organization is.
    """
    if p.reputation_visibility == 0.0:
        return
    telling = False
    for s in range(SIDES):
        me = a if s == 0 else b
        telling = telling or tie.adapted[s] == 1 or tie.problem[s] >= REFUSAL or me.breach_now > 0.0
    if not telling:
        return
    witness = draws.four(seed, replicate, month, draws.WITNESS, a.key, b.key)
    for s in range(SIDES):
        me = orgs[tie.org[s]]
        bad = tie.problem[s] >= REFUSAL or me.breach_now > 0.0
        if not bad and tie.adapted[s] == 0:
            continue
        if witness[2 * s] < p.reputation_visibility:
            if witness[2 * s + 1] < p.witness_noise:
                bad = not bad
            if bad:
                me.bad_now += 1.0
            else:
                me.good_now += 1.0


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
            watch(p, me, b if s == 0 else a, tie, s)
        exert(p, tie, s)
        tie.turnover[s] = (moves[s] < me.turnover or me.turnover_now > 0.0) and not tie.without & NO_TURNOVER
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
    make_known(p, orgs, a, b, tie, seed, replicate, month)
    impair(p, a, b, tie)
    leave(p, a, b, tie, happens[3], moves[2], moves[3], month)
    tie.without = 0


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
def keep_away(alliances, count, events, month):
    """What a counterfactual keeps from happening this month is noted on the alliances that it concerns."""
    for e in range(len(events)):
        event = events[e]
        if event.month == month and event.code == KEPT_AWAY:
            for k in range(count):
                if alliances[k].alive == 1 and (event.org == k or event.org == NOBODY):
                    alliances[k].without |= 1 << event.trait


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


# ---------------------------------------------------------------------------------------------------------------
# The signature
# ---------------------------------------------------------------------------------------------------------------
@compiled
def place_of(rows, row):
    """Where ``row`` stands in a short list of rows, or -1."""
    for place in range(len(rows)):
        if rows[place] == row:
            return place
    return -1


@compiled
def complementarity_of(p, one, other, seed, replicate):
    """Complementarity of two organizations with these keys, [0, 1]: a lasting property of the pair."""
    uniform = draws.four(seed, replicate, 0, draws.PAIR, min(one, other), max(one, other))[0]
    return rules.within(p.complementarity + p.complementarity_spread * (2.0 * uniform - 1.0), 0.0, 1.0)


@compiled
def write_contract(p, tie):
    """The contract's tightness, as given or the mean of what each side would choose, and what it covers."""
    tie.tightness = p.contract_tightness
    if p.choose_contract:
        stakes = 0.5 * p.contingency_rate * p.contingency_loss * p.contract_horizon
        cost = 0.5 * p.contracting_cost
        tie.tightness = 0.5 * (
            rules.chosen_tightness(p.contract_scale, stakes, 1.0 - tie.effective[0], cost)
            + rules.chosen_tightness(p.contract_scale, stakes, 1.0 - tie.effective[1], cost)
        )
    tie.coverage = rules.coverage(tie.tightness, p.contract_scale, p.contract_cap)


@compiled
def sign(p, orgs, tie, seed, replicate, month):
    """The state of an alliance on the day it is signed; ``tie.org`` says between whom.

    Args:
        p: record of the parameters.
        orgs: records of the organizations, (N,).
        tie: record of the alliance, empty but for ``org``.
        seed, replicate, month: the key of the draws; month 0 is before the first month.
    """
    a = orgs[tie.org[0]]
    b = orgs[tie.org[1]]
    start = draws.four(seed, replicate, month, draws.START, a.key, b.key)
    tie.exists = 1
    tie.alive = 1
    tie.formed = month
    tie.fortune = 1.0
    tie.communication = p.communication_start
    tie.ties = p.ties_start
    tie.practice[0] = -1.0  # nothing computed yet
    practise(a, b, tie)
    tie.gap = tie.distance
    tie.chemistry = rules.chemistry_drawn(p.chemistry, p.chemistry_spread, start[2])
    tie.complementarity = complementarity_of(p, a.key, b.key, seed, replicate)
    tie.channels = 1.0 - p.channel_spread * draws.four(seed, replicate, 0, draws.PAIR, a.key, b.key)[1]
    for s in range(SIDES):
        me = a if s == 0 else b
        partner = b if s == 0 else a
        fame = p.reputation_trust * (partner.reputation - 0.5)
        drawn = p.trust_start + rules.logistic_draw(p.trust_start_sd, start[s])
        known = place_of(me.past, tie.org[1 - s])
        if known >= 0:
            tie.trust[s] = rules.trust_at_start(drawn, fame, p.memory, me.past_trust[known])
            tie.ties = rules.toward(p.ties_start, me.past_ties[known], p.memory)
            tie.earlier = me.past_times[known]
        else:
            tie.trust[s] = rules.trust_at_start(drawn, fame, 0.0, 0.0)
        tie.personal[s] = tie.trust[s]
        tie.effective[s] = tie.trust[s]
        tie.trust_start[s] = tie.trust[s]
        tie.misread[s] = tie.words[1 - s]
        tie.forecast[s] = 0.5
    write_contract(p, tie)
    book_start(p, a, b, tie)


@compiled
def book_start(p, a, b, tie):
    """What is expected, put on the books and sunk on the day of the signature."""
    tie.annuity = rules.annuity(p.discount_rate, p.goodwill_months)
    tie.plan = rules.sober_plan(p.synergy, tie.complementarity, p.planned_quality)
    contract = 0.5 * p.contracting_cost * tie.tightness
    for s in range(SIDES):
        me = a if s == 0 else b
        tie.expectation[s] = tie.plan * (1.0 + me.optimism)
        tie.expectation_start[s] = tie.expectation[s]
        tie.smoothed[s] = tie.expectation[s]  # before the first result, the partners see what they expect
        watch(p, me, b if s == 0 else a, tie, s)
        tie.goodwill += rules.goodwill(tie.expectation[s], me.outside_option, tie.annuity)
        tie.value[s] -= contract + p.specific_investment + me.search_cost
        tie.governance_cost += contract
        tie.start_cost += p.specific_investment
        tie.vetting_cost += me.search_cost
        me.search_cost = 0.0
    tie.goodwill_start = tie.goodwill


@compiled
def sign_many(p, orgs, alliances, seed, replicates):
    """Sign every alliance of many runs in month 0: ``orgs`` (R, N), ``alliances`` (R, M), ``replicates`` int64 (R,)."""
    for r in range(alliances.shape[0]):
        for k in range(alliances.shape[1]):
            sign(p, orgs[r], alliances[r, k], seed, replicates[r], 0)


# ---------------------------------------------------------------------------------------------------------------
# The market
# ---------------------------------------------------------------------------------------------------------------
@compiled
def engage(orgs, tie):
    """Both partners give a place to the alliance."""
    for s in range(SIDES):
        me = orgs[tie.org[s]]
        me.ally[place_of(me.ally, NOBODY)] = tie.org[1 - s]
        me.engaged += 1


@compiled
def part(orgs, tie):
    """Both partners have the place free again, and remember each other; who was met first is forgotten first."""
    for s in range(SIDES):
        me = orgs[tie.org[s]]
        other = tie.org[1 - s]
        me.ally[place_of(me.ally, other)] = NOBODY
        me.engaged -= 1
        place = place_of(me.past, other)
        if place < 0:
            place = me.next_past
            me.next_past = (me.next_past + 1) % PLACES
        me.past[place] = other
        me.past_trust[place] = tie.effective[s]
        me.past_ties[place] = tie.ties
        me.past_times[place] = tie.earlier + 1


@compiled
def is_free(me, month):
    """Whether an organization is in the market and has a place free."""
    return me.arrival <= month and me.engaged < me.capacity


@compiled
def room_needed(orgs, events, month):
    """Most alliances that a month can bring: one for each organization with a place free.

    Dated events may free places in their own month, so then every organization counts.
    """
    for e in range(len(events)):
        if events[e].month == month:
            return len(orgs)
    count = 0
    for i in range(len(orgs)):
        count += is_free(orgs[i], month)
    return count


@compiled
def appeal_of(p, me, key, reputation, row, seed, replicate):
    """How much an organization appeals to me, from its key, its reputation and the row by which I remember it."""
    known = place_of(me.past, row)
    from_memory = p.appeal_memory * (me.past_trust[known] - p.trust_start) if known >= 0 else 0.0
    return rules.appeal(
        complementarity_of(p, me.key, key, seed, replicate), p.appeal_reputation * (reputation - 0.5), from_memory
    )


@compiled
def shuns(p, me, row):
    """Whether I will have nothing to do with the organization in ``row``: it failed my interview, or broke my trust."""
    if place_of(me.refused, row) >= 0:
        return True
    known = place_of(me.past, row)
    return known >= 0 and me.past_trust[known] < p.trust_exit


@compiled
def best_candidate(p, orgs, i, pool, size, keys, fame, seed, replicate, month):
    """The row of the candidate that appeals most to organization ``i`` among some of the pool and earlier partners."""
    me = orgs[i]
    breadth = int(p.search_breadth)
    best, most = NOBODY, -math.inf
    drawn = draws.four(seed, replicate, month, draws.SEARCH, me.key, draws.NOBODY)
    for j in range(breadth + PLACES):
        if j < breadth:
            if j % 4 == 0:
                drawn = draws.four(seed, replicate, month, draws.SEARCH + 1 + j // 4, me.key, draws.NOBODY)
            row = pool[int(drawn[j % 4] * size)]
        else:
            row = me.past[j - breadth]
            if row == NOBODY or not is_free(orgs[row], month):
                continue
        if row == i or place_of(me.ally, row) >= 0 or shuns(p, me, row):
            continue
        appeal = appeal_of(p, me, keys[row], fame[row], row, seed, replicate)
        if appeal > most:
            best, most = row, appeal
    return best


@compiled
def question(p, number):
    """p1, p0 and cost of a question; numbers 0 to 5 in the order of seed R."""
    if number == 0:
        return p.trust_example_p1, p.trust_example_p0, p.trust_example_cost
    if number == 1:
        return p.team_rating_p1, p.team_rating_p0, p.team_rating_cost
    if number == 2:
        return p.management_rating_p1, p.management_rating_p0, p.management_rating_cost
    if number == 3:
        return p.complaints_p1, p.complaints_p0, p.complaints_cost
    if number == 4:
        return p.agreed_actions_p1, p.agreed_actions_p0, p.agreed_actions_cost
    return p.absent_partner_p1, p.absent_partner_p0, p.absent_partner_cost


@compiled
def is_asked(p, number):
    """Whether a question is asked at all; 1 and 2 ask for ratings of oneself, the others for what is done."""
    if number == 1 or number == 2:
        return not p.skip_self_ratings
    return not p.skip_behaviour


@compiled
def vets(p, me, other, row, seed, replicate, month):
    """Interview a candidate until yes or no (Wald 1945), or until the limit forces a decision; True is yes.

    The questions come in turn. What is found out is whether the candidate, in ``row``, practises what it professes. Who
    failed is not asked again while it is among the last that failed.
    """
    limit = int(me.vetting)
    if limit == 0 or (p.skip_behaviour and p.skip_self_ratings):
        return True
    upper = math.log((1.0 - p.vet_beta) / p.vet_alpha)
    lower = math.log(p.vet_beta / (1.0 - p.vet_alpha))
    genuine = other.operationalization >= p.genuine_from
    total = 0.0
    number = -1
    answers = draws.four(seed, replicate, month, draws.INTERVIEW, me.key, other.key)
    for asked in range(limit):
        if asked > 0 and asked % 4 == 0:
            answers = draws.four(seed, replicate, month, draws.INTERVIEW + asked // 4, me.key, other.key)
        number = (number + 1) % QUESTIONS
        while not is_asked(p, number):
            number = (number + 1) % QUESTIONS
        p1, p0, cost = question(p, number)
        total += rules.evidence(answers[asked % 4] < (p1 if genuine else p0), p1, p0)
        me.questions += 1
        me.search_cost += cost
        if total >= upper - TIE or total <= lower + TIE:
            break
    me.interviews += 1
    yes = total >= -TIE
    if not yes:
        me.refused[me.next_refused] = row
        me.next_refused = (me.next_refused + 1) % PLACES
    me.accepted += yes
    me.mistakes += yes and not genuine
    return yes


@compiled
def prefers(p, me, keys, fame, one, other, seed, replicate, month):
    """Whether the organization in row ``one`` appeals to me more than ``other``; chance decides between equals."""
    first = appeal_of(p, me, keys[one], fame[one], one, seed, replicate)
    second = appeal_of(p, me, keys[other], fame[other], other, seed, replicate)
    if first != second:
        return first > second
    lot = draws.four(seed, replicate, month, draws.SEARCH, keys[one], draws.NOBODY)[1]
    return lot > draws.four(seed, replicate, month, draws.SEARCH, keys[other], draws.NOBODY)[1]


@compiled
def courts(target, suitor, row):
    """Whether an organization's own proposal is the one that its target prefers."""
    return target[row] != NOBODY and suitor[target[row]] == row


@compiled
def market_month(p, orgs, alliances, count, seed, replicate, month, scratch):
    """Step 9: search, propose, vet, sign. Returns the new number of alliances.

    Everybody with a free place may look at some candidates and propose to the best; everybody proposed to considers its
    best suitor. Who has one place only and whose own proposal is preferred does not take another. Everybody acts on the
    state at the start of the month: who signs with whom does not depend on the order in which signings are worked off.

    Args:
        p, orgs, seed, replicate, month: as in :func:`sign`.
        alliances: records with room for as many more as there are organizations with a free place.
        count: how many rows are in use.
        scratch: int64 (6, N). Rows of organizations are in the order of their keys.
    """
    pool, target, suitor, places, keys = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    fame = scratch[5].view(np.float64)  # what searchers read of others, together in memory
    size = 0
    for i in range(len(orgs)):
        target[i] = NOBODY
        suitor[i] = NOBODY
        keys[i] = orgs[i].key
        fame[i] = orgs[i].reputation
        places[i] = math.ceil(orgs[i].capacity) - orgs[i].engaged
        if is_free(orgs[i], month):
            pool[size] = i
            size += 1
    for q in range(size):
        i = pool[q]
        looks = draws.four(seed, replicate, month, draws.SEARCH, orgs[i].key, draws.NOBODY)[0]
        if looks < p.search_rate:
            target[i] = best_candidate(p, orgs, i, pool, size, keys, fame, seed, replicate, month)
    for q in range(size):
        i = pool[q]
        c = target[i]
        if c == NOBODY:
            continue
        if shuns(p, orgs[c], i):
            continue
        now = suitor[c]
        if now == NOBODY or prefers(p, orgs[c], keys, fame, i, now, seed, replicate, month):
            suitor[c] = i
    for q in range(size):
        c = pool[q]
        i = suitor[c]
        if i == NOBODY:
            continue
        courts_me_too = target[c] == i and suitor[i] == c
        if courts_me_too and c > i:
            continue  # the two meet once
        if not courts_me_too and places[c] < 2 and courts(target, suitor, c):
            continue
        known = place_of(orgs[c].past, i) >= 0 or place_of(orgs[i].past, c) >= 0
        if not known:
            wanted = vets(p, orgs[i], orgs[c], c, seed, replicate, month)
            wanting = vets(p, orgs[c], orgs[i], i, seed, replicate, month)
            if not (wanted and wanting):
                continue
        tie = alliances[count]
        tie.org[0] = min(i, c)
        tie.org[1] = max(i, c)
        sign(p, orgs, tie, seed, replicate, month)
        engage(orgs, tie)
        count += 1
    return count


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
def observe(alliances, count, months, moments, histogram):
    """Enter every alliance's state at the end of a month; the order of the variables is ``state.VARIABLES``.

    Args:
        alliances: records, (M,); the first ``count`` of them are in use.
        months: horizon of the run; the histogram of ``value`` is scaled by it.
        moments: float64 (variables, 3): count, sum, sum of squares.
        histogram: int64 (variables, BINS).
    """
    for k in range(count):
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
def month_of_all(
    p,
    orgs,
    columns,
    alliances,
    count,
    searching,
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
    if searching:
        count = market_month(p, orgs, alliances, count, seed, replicate, month, scratch)
    keep_away(alliances, count, events, month)
    for k in range(count):
        tie = alliances[k]
        if tie.alive == 1:
            alliance_month(p, orgs, tie, market, seed, replicate, month, entries, rates)
            add_to(ledger[k], entries)
            if searching and tie.alive == 0:
                part(orgs, tie)
    organizations_month(p, orgs)
    return rules.toward(market, 1.0, p.market_recovery), count


@compiled
def run(
    p, orgs, columns, alliances, count, searching, events, market, seed, replicate, first, months, moments, histogram,
    ledger, entries, rates, scratch,
):  # fmt: skip
    """One run, in place, from month ``first`` to the last, or until there may be too few rows for new alliances.

    Args:
        p: record of the parameters.
        orgs, columns: organizations as records (N,) and the same memory as float64 (N, fields).
        alliances: records (M,), of which ``count`` are in use.
        searching: whether there is a market, in which organizations search for partners.
        events: records, see ``state.EVENT``.
        market: level of the general market, 1 in normal times.
        seed, replicate: the key of the draws.
        first, months: the next month, from 1, and the last one. Month 1 also records the start.
        moments: float64 (months + 1, variables, 3), added to.
        histogram: int64 (months + 1, variables, BINS), added to.
        ledger: float64 (M, 2, layers, causes), added to.
        entries, rates: scratch, see :func:`alliance_month`.
        scratch: int64 (6, N).

    Returns:
        Months done, alliances in use, level of the market. Fewer months than asked for: give it more rows and go on.
    """
    if first == 1:
        observe(alliances, count, months, moments[0], histogram[0])
    for month in range(first, months + 1):
        if searching and len(alliances) - count < room_needed(orgs, events, month):
            return month - 1, count, market
        market, count = month_of_all(
            p, orgs, columns, alliances, count, searching, events, market, seed, replicate, month, ledger, entries,
            rates, scratch,
        )  # fmt: skip
        observe(alliances, count, months, moments[month], histogram[month])
    return months, count, market


@compiled
def run_many(
    p, orgs, columns, alliances, events, seed, replicates, months, moments, histogram, ledger, entries, rates, scratch
):
    """Many runs without a market, one after the other: as :func:`run`, with a replicate axis first on every array but
    the histogram."""
    for r in range(len(replicates)):
        run(
            p, orgs[r], columns[r], alliances[r], alliances.shape[1], False, events, 1.0, seed, replicates[r], 1,
            months, moments[r], histogram, ledger[r], entries, rates, scratch,
        )  # fmt: skip
