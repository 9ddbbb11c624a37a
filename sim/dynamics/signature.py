"""The signature of an alliance: the trust it begins with, what the contract covers, what is sunk and what is booked."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

from sim.dynamics import draws, rules
from sim.dynamics.compiled import compiled
from sim.dynamics.state import SIDES
from sim.dynamics.steps import practise, watch


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
