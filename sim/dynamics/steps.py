"""The steps of one alliance's month, 1 to 8, and what becomes known of it (9); numbered as in docs/model.md.

Each takes the record of the parameters ``p``, the records of the partners (``a`` and ``b``, or ``me`` and ``partner``)
and of the alliance ``tie`` (``state.ALLIANCE``), and writes to ``tie``. Functions named ``…_terms`` give the arguments
of a rule; ``explain`` of the Mesa view shows the same ones. ``kernel.alliance_month`` has the order of the steps.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import math

from sim.dynamics import draws, rules
from sim.dynamics.compiled import compiled
from sim.dynamics.state import (
    BAD_WORK,
    BLAME,
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
    DISAPPOINTMENT,
    DISTRUST,
    EFFECTIVE,
    EXOGENOUS,
    FESTERING,
    FRICTION,
    GOING_ON,
    HARD_TALK,
    ISSUES,
    LEARNED,
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
    NOTHING,
    ORGANIZATIONAL,
    PERSONAL,
    REFUSAL,
    SHIRKING,
    SIDES,
)


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
def trust_needed(p, a, b, tie):
    """Step 1: trust at which these partners say half of what they ever say; infinite when nobody would speak up."""
    candour = rules.candour(
        p.internal_trust_weight, math.sqrt(a.internal_trust * b.internal_trust), p.ties_candour, tie.ties
    )
    return p.trust_half / candour if candour > 0.0 else math.inf


@compiled
def disclosure_terms(p, a, b, tie):
    """Step 1: floor, willingness and reach of what the partners say, the arguments of ``rules.disclosure``."""
    mutual = rules.mutual_trust(tie.effective[0], tie.effective[1])
    return (
        rules.lifted_floor(p.openness_floor, p.contract_clarity, tie.coverage),
        rules.hill(mutual, trust_needed(p, a, b, tie), p.trust_steepness),
        rules.reach(tie.channels, p.openness_weight, math.sqrt(a.openness * b.openness)),
    )


@compiled
def disclose(p, a, b, tie):
    """Step 1: what the partners are willing to say sets where communication moves to."""
    terms = disclosure_terms(p, a, b, tie)
    tie.disclosure = rules.disclosure(*terms)


@compiled
def ill_fame(partner):
    """How far the partner's reputation lies below the neutral one, as a share of it, [0, 1)."""
    return max(0.0, 1.0 - 2.0 * partner.reputation)


@compiled
def rational_monitoring(p, partner, tie, s):
    """Step 2: what it pays side ``s`` to spend on watching its partner, by the risk that it perceives, money/month."""
    risk = rules.perceived_risk(tie.effective[s], p.reputation_alarm, ill_fame(partner))
    return rules.optimal_monitoring(p.monitoring_effect, p.loss_at_stake, risk)


@compiled
def watch(p, me, partner, tie, s):
    """Step 2: side ``s`` decides what it spends on watching its partner."""
    optimum = rational_monitoring(p, partner, tie, s)
    tie.monitoring[s] = rules.monitoring_spent(me.monitoring, me.verify_floor, optimum)
    tie.watching[s] = rules.watched(p.monitoring_effect, tie.monitoring[s])


@compiled
def delegation_terms(p, tie, s):
    """Step 3: what makes side ``s`` leave decisions to its partner: the arguments of ``rules.delegation``, logits."""
    return p.delegation_base, p.delegation_trust * tie.effective[s], p.delegation_misreading * tie.misread[s]


@compiled
def extra_mile_terms(p, tie, s):
    """Step 3: what moves side ``s`` to go the extra mile: the arguments of ``rules.extra_mile``, logits."""
    return (
        p.effort_base,
        p.effort_chemistry * tie.chemistry,
        p.effort_trust * tie.effective[s],
        p.effort_frustration * tie.frustration[s],
    )


@compiled
def exert(p, tie, s):
    """Step 3: how much of the extra mile side ``s`` goes, and what it leaves to its partner to decide."""
    tie.delegation[s] = rules.delegation(*delegation_terms(p, tie, s))
    tie.effort[s] = rules.extra_mile(*extra_mile_terms(p, tie, s))


@compiled
def adapting_terms(p, me, tie, s, deterrence):
    """Step 3: what moves side ``s`` to adapt: the arguments of ``rules.adapting_score``, logits.

    ``deterrence`` is how well the partner keeps watch on it, [0, 1).
    """
    return (
        p.adapt_base,
        p.adapt_trust * tie.effective[s],
        p.adapt_ties * tie.ties,
        p.adapt_chemistry * tie.chemistry,
        p.adapt_integrity * me.integrity,
        p.adapt_deterrence * deterrence,
        p.adapt_frustration * tie.frustration[s],
    )


@compiled
def adapts(p, me, tie, s, uniform):
    """Step 3: does side ``s`` adapt to a contingency that the contract does not cover?"""
    score = rules.adapting_score(*adapting_terms(p, me, tie, s, tie.watching[1 - s]))
    return uniform < rules.chance_to_adapt(p.adapt_floor, score)


@compiled
def rubs(p, tie, uniform):
    """Step 3: do unlike practices rub this month?

    A power takes as long as a whole step. Most draws lie above what friction can be at most, since G^η is at most G
    where η is at least 1, and at most 1 anywhere; they need none.
    """
    most = tie.gap if p.friction_power >= 1.0 else 1.0
    if uniform >= rules.friction_chance(
        p.friction_base, p.friction_gap, most, 1.0, p.friction_relief, tie.communication
    ):
        return False
    return uniform < rules.friction_chance(
        p.friction_base, p.friction_gap, tie.gap, p.friction_power, p.friction_relief, tie.communication
    )


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

    tie.problem[2] = FRICTION if rubs(p, tie, happens[1]) and not tie.without & NO_FRICTION else NO_PROBLEM


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
    for layer in (ORGANIZATIONAL, PERSONAL):
        for cause in range(LEARNED, N_CAUSES):
            entries[layer, cause] = 0.0
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
def falls_due(age, interval):
    """Step 7: is this month, the ``age``-th, the first after another interval, in months, has passed?"""
    whole = int(interval)
    if interval == whole:  # integers divide several times as fast
        return age % whole == 0
    return age % interval < 1.0


@compiled
def impair(p, a, b, tie):
    """Step 7: goodwill is tested at intervals and written down when expectation has fallen; it is never written up."""
    if not falls_due(tie.age, p.impairment_interval):
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
def make_known(p, a, b, tie, seed, replicate, month):
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
        me = a if s == 0 else b
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
