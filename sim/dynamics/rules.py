"""The equations of the model, one scalar function each, in the order of a month.

Every function takes and returns plain numbers: no state, no random numbers. To change the model, change an equation
here; the kernel, the Mesa view, ``explain`` and the theory all call these. Units: trust, communication, ties, gap,
frustration and probabilities are in [0, 1]; rates are per month; money is in base outputs of an alliance a month.

Sources are named by author and year, or by seed: K Kotelnikov (building trust between organizations), L life-science
alliances ("lubrication and glue"), R Robertson (partnerships that work). Full references: docs/model.md.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import math

from sim.dynamics.compiled import compiled


@compiled
def logistic(x):
    """1 / (1 + exp(-x)): a probability from a score in logits."""
    return 1.0 / (1.0 + math.exp(-x))


@compiled
def within(x, low, high):
    """``x`` held in [low, high]."""
    return min(max(x, low), high)


# ---------------------------------------------------------------------------------------------------------------
# Values and trust
# ---------------------------------------------------------------------------------------------------------------
@compiled
def practised_value(operationalization, professed, default_culture):
    """practised = w·professed + (1 − w)·default, in [0, 1]: what the partner meets, one dimension (R)."""
    return operationalization * professed + (1.0 - operationalization) * default_culture


@compiled
def practised_distance(w_a, professed_a, default_a, w_b, professed_b, default_b):
    """D = root mean square over the dimensions of the difference of practised values, in [0, 1].

    Professed values enter only through what is practised; their own distance drives nothing (R: AOL–Time Warner).

    Args:
        w_a, w_b: operationalization of each side, [0, 1].
        professed_a, default_a, professed_b, default_b: sequences of one number per dimension, [0, 1].
    """
    total = 0.0
    for k in range(len(professed_a)):
        difference = practised_value(w_a, professed_a[k], default_a[k]) - practised_value(
            w_b, professed_b[k], default_b[k]
        )
        total += difference * difference
    return math.sqrt(total / len(professed_a))


@compiled
def practice_gap(operationalization, professed, default_culture):
    """Root mean square distance, in [0, 1], between what an organization professes and what it practises (R)."""
    total = 0.0
    for k in range(len(professed)):
        step = (1.0 - operationalization) * (professed[k] - default_culture[k])
        total += step * step
    return math.sqrt(total / len(professed))


@compiled
def effective_trust(ties_weight, ties, personal, organizational):
    """τ = ψK·P + (1 − ψK)·T, in [0, 1]: the stronger the ties, the more the people count (K; Zaheer et al. 1998)."""
    return organizational + ties_weight * ties * (personal - organizational)


@compiled
def mutual_trust(trust_a, trust_b):
    """τ̄ = √(τ_ab·τ_ba), in [0, 1]: the less trusting partner sets the tone."""
    return math.sqrt(trust_a * trust_b)


# ---------------------------------------------------------------------------------------------------------------
# 1 Disclose
# ---------------------------------------------------------------------------------------------------------------
@compiled
def hill(trust, half, steepness):
    """H = τⁿ / (θⁿ + τⁿ), in [0, 1]: nothing is said without trust, half of it at τ = θ, most of it beyond."""
    if trust < 1e-30:  # where the power would overflow, H is 0 to the last bit
        return 0.0
    return 1.0 / (1.0 + (half / trust) ** steepness)


@compiled
def lifted_floor(openness_floor, contract_clarity, coverage):
    """c0' = c0 + (1 − c0)·a·φ, in [0, 1]: a clear contract gives things to talk about (Poppo & Zenger 2002)."""
    return openness_floor + (1.0 - openness_floor) * contract_clarity * coverage


@compiled
def candour(internal_weight, mutual_internal_trust, ties_weight, ties):
    """Product of (1 − a·(1 − x)) over internal trust and ties, in [0, 1]: how easily these people speak up.

    It divides the trust θ at which half is said; at 0 they never speak up. With both weights a at zero it is 1 (the
    mean-field limit).
    """
    return (1.0 - internal_weight * (1.0 - mutual_internal_trust)) * (1.0 - ties_weight * (1.0 - ties))


@compiled
def reach(channels, openness_weight, mutual_openness):
    """channels·(1 − a·(1 − openness)), in [0, 1]: what is said at most, whatever the trust.

    Channels, in [0, 1], are what distance, language and calendars let through; closed partners hold back the rest (L).
    With channels 1 and a = 0 it is 1 (the mean-field limit).
    """
    return channels * (1.0 - openness_weight * (1.0 - mutual_openness))


@compiled
def disclosure(floor, willingness, reach):
    """S = c0 + (1 − c0)·H(τ̄; θ/candour)·reach, in [0, 1]: what communication moves to.

    Partners of little candour need more trust before they talk; with enough of it they say all that they ever say.
    L: "trust is affected by the degree of openness in communication; adversely a lack in trust is also a root cause
    for poor communication".
    """
    return floor + (1.0 - floor) * willingness * reach


@compiled
def occasions(communication, shock):
    """C·(1 + shock), held in [0, 1]: from month to month more or less is said than the will would have it.

    Meetings fall out, crises crowd in. The shock is proportional: where little is said, little can fall out.
    """
    return within(communication * (1.0 + shock), 0.0, 1.0)


@compiled
def kept(share_lost, times):
    """(1 − a)ⁿ, in [0, 1]: what is left after n losses of a share a each."""
    left = 1.0
    for _ in range(times):
        left *= 1.0 - share_lost
    return left


@compiled
def toward(x, target, speed):
    """x + speed·(target − x): partial adjustment in one month."""
    return x + speed * (target - x)


# ---------------------------------------------------------------------------------------------------------------
# 2 Monitor
# ---------------------------------------------------------------------------------------------------------------
@compiled
def perceived_risk(trust, alarm, ill_fame):
    """1 − τ·(1 − a·ill fame), in [0, 1]: a poor record makes even a trusted partner look risky (K, note 3).

    ``ill_fame`` is how far the partner's reputation lies below the neutral one, in [0, 1]; 0 leaves 1 − τ.
    """
    return 1.0 - trust * (1.0 - min(1.0, alarm * ill_fame))


@compiled
def optimal_monitoring(effect, loss_at_stake, risk):
    """m* = (1/k)·max(0, ln(k·L·risk)), money/month: minimizes m + L·risk·exp(−k·m).

    With risk = 1 − τ it is zero above τ = 1 − 1/(k·L): trusted partners need less control (K, note 3).
    """
    saved = effect * loss_at_stake * risk
    if saved <= 1.0:
        return 0.0
    return math.log(saved) / effect


@compiled
def monitoring_spent(multiplier, floor, optimum):
    """m = max(verify floor, multiplier·m*), money/month: 0 is blind faith; the floor is "trust but verify" (K)."""
    return max(floor, multiplier * optimum)


@compiled
def watched(effect, monitoring):
    """1 − exp(−k·m), in [0, 1): how well a given effort keeps watch (used for deterrence and for detection)."""
    return 1.0 - math.exp(-effect * monitoring)


@compiled
def illegitimate_monitoring(monitoring, legitimate):
    """max(0, m − m_legitimate), money/month: what the monitored resents (Frey 1993)."""
    return max(0.0, monitoring - legitimate)


@compiled
def attribution(control_attribution, deterrence):
    """1 − a·deterrence, in [0, 1]: good conduct under control teaches less about the partner.

    Source: Puranam & Vanneste 2009.
    """
    return 1.0 - control_attribution * deterrence


# ---------------------------------------------------------------------------------------------------------------
# 3 Work
# ---------------------------------------------------------------------------------------------------------------
@compiled
def coverage(tightness, scale, cap):
    """φ = min(cap, 1 − exp(−x/x0)), in [0, 1]: share of contingencies that the contract covers."""
    return min(cap, 1.0 - math.exp(-tightness / scale))


@compiled
def chosen_tightness(scale, stakes, distrust, cost):
    """x* = x0·max(0, ln(stakes·(1 − τ)/(c·x0))), tightness: minimizes c·x + stakes·(1 − τ)·exp(−x/x0).

    The less trust and the more at stake, the tighter the contract; known partners write lighter ones (Puranam &
    Vanneste 2009).

    Args:
        scale: x0, tightness that covers 63% of contingencies.
        stakes: what uncovered contingencies would cost a partner that does not adapt, over the planned life, money.
        distrust: 1 − τ, [0, 1].
        cost: c, one side's cost of a unit of tightness, money. One that is next to nothing counts as 10⁻¹⁶ of what is
            at stake: tighter than that, a contract covers no more.
    """
    worth = stakes * distrust
    least = max(cost * scale, 1e-16 * worth)
    if worth <= least:
        return 0.0
    return scale * math.log(worth / least)


@compiled
def adapting_score(base, from_trust, from_ties, from_chemistry, from_integrity, from_deterrence, from_frustration):
    """Score in logits of readiness to adapt: the sum of its terms, frustration against (K: "changes that can't be
    planned in advance"). Each argument is weight·state."""
    return base + from_trust + from_ties + from_chemistry + from_integrity + from_deterrence - from_frustration


@compiled
def chance_to_adapt(floor, score):
    """p = p0 + (1 − p0)·logistic(score), in [p0, 1]: a partner adapts to what the contract does not cover."""
    return floor + (1.0 - floor) * logistic(score)


@compiled
def friction_chance(base, weight, gap, power, relief, communication):
    """w = min(1, (w0 + w1·G^η)·(1 − a·C)), 1/month: unlike practices rub; talking avoids some of it (L, R)."""
    return min(1.0, (base + weight * gap**power) * (1.0 - relief * communication))


@compiled
def shirk_chance(rate, integrity, deterrence):
    """s·(1 − integrity)·(1 − deterrence), 1/month: monitoring deters those whom integrity does not."""
    return rate * (1.0 - integrity) * (1.0 - deterrence)


@compiled
def either(p, q):
    """1 − (1 − p)(1 − q): at least one of two independent chances."""
    return 1.0 - (1.0 - p) * (1.0 - q)


@compiled
def extra_mile(base, from_chemistry, from_trust, from_frustration):
    """logistic(base + chemistry + trust − frustration), in (0, 1): discretionary effort, "the extra mile" (L).

    Contracted effort does not depend on it: low-chemistry alliances comply but seldom exceed.
    """
    return logistic(base + from_chemistry + from_trust - from_frustration)


@compiled
def delegation(base, from_trust, from_misreading):
    """logistic(base + trust − misreading), in (0, 1): share of decisions left to the partner when one is absent.

    R: "what would have to be agreed for each of us to make a large decision with the other not present?"
    """
    return logistic(base + from_trust - from_misreading)


# ---------------------------------------------------------------------------------------------------------------
# 4 Talk
# ---------------------------------------------------------------------------------------------------------------
@compiled
def voice(communication, silence, internal_trust):
    """C·(1 − a·(1 − internal trust)), in [0, 1]: chance that a problem is said aloud rather than festers (R, L)."""
    return communication * (1.0 - silence * (1.0 - internal_trust))


@compiled
def constructive_chance(base, from_trust, from_operationalization, from_blame):
    """logistic(base + trust + operationalization − blame), in (0, 1): a problem to solve, not somebody's fault.

    R: "we take action to right the situation without pointing blame"; L: "putting aside blame, judgment, shame".
    """
    return logistic(base + from_trust + from_operationalization - from_blame)


# ---------------------------------------------------------------------------------------------------------------
# 5 Learn
# ---------------------------------------------------------------------------------------------------------------
@compiled
def trust_step(trust, rate, ceiling):
    """r·max(0, T_c − T) when the rate is positive, r·T when negative: change of trust by one cause in one month.

    ``rate`` is in [-1, 1], the ceiling T_c in [0, 1]: the trust that a cause can earn. One such step never leaves
    [0, 1]. Losses weigh 2–4 times gains (Slovic 1993).
    """
    if rate > 0.0:
        return rate * max(0.0, ceiling - trust)
    return rate * trust


@compiled
def routine_ceiling(silent, communication):
    """T_c = a + (1 − a)·C, in [0, 1]: the trust that routine can earn, a in silence, all when all is said.

    K: to depend on one another "involves more than keeping promises"; what was never talked about was never tested.
    With a = 1 routine earns any trust (the mean-field limit).
    """
    return silent + (1.0 - silent) * communication


@compiled
def credited(communication, attribution):
    """C·attribution, in [0, 1]: good conduct counts as far as it is seen and can be put down to the partner."""
    return communication * attribution


@compiled
def passed_on(people_rate, ties, personal, organizational):
    """ω·K·(P − T): personal trust becomes organizational, slowly (Zaheer et al. 1998)."""
    return people_rate * ties * (personal - organizational)


@compiled
def held_back(x):
    """What brings ``x`` back into [0, 1]; 0 inside. The ledger's entry ``bound``."""
    if x < 0.0:
        return -x
    if x > 1.0:
        return 1.0 - x
    return 0.0


# ---------------------------------------------------------------------------------------------------------------
# 6 Relate
# ---------------------------------------------------------------------------------------------------------------
@compiled
def ties_after(ties, growth, investment_a, investment_b, decay):
    """K + g·½(r_a + r_b)·(1 − K) − d·K, held in [0, 1]: personal ties need upkeep by both (L: under-investment).

    Linear in the sum of both, with quadratic cost: each side's own optimum is half the joint one.
    """
    grown = ties + growth * 0.5 * (investment_a + investment_b) * (1.0 - ties) - decay * ties
    return within(grown, 0.0, 1.0)


@compiled
def gap_after(gap, session_a, session_b, relapse, distance):
    """G − (ε_a + ε_b)·G + δ·(D − G), held in [0, 1]: sessions close it, practice pulls back.

    With ε on both sides it settles at G* = δ·D/(2ε + δ).
    """
    return within(gap - (session_a + session_b) * gap + relapse * (distance - gap), 0.0, 1.0)


@compiled
def operationalization_after(w, learning, session, relapse, w_start):
    """w + b·ε·(1 − w) − δ·(w − w0), held in [0, 1]: sessions teach an organization to do what it says (R)."""
    return within(w + learning * session * (1.0 - w) - relapse * (w - w_start), 0.0, 1.0)


@compiled
def misreading_after(misreading, practice_gap, rate, communication):
    """Mis − r·C·Mis, in [0, 1], never above what there is to misread: talk teaches what the partner means to do.

    ``practice_gap`` is the distance between what the partner professes and what it practises: at the signature one
    has only its words to go by (R).
    """
    return min(misreading, practice_gap) * (1.0 - rate * communication)


@compiled
def strangers_trust(personal, organizational, share):
    """−a·max(0, P − T): personal trust lost when its people leave. Newcomers inherit distrust, not friendship."""
    return -share * max(0.0, personal - organizational)


@compiled
def chemistry_drawn(mean, spread, uniform):
    """mean ± spread, uniform, held in [0, 1]: what happens when people meet (L)."""
    return within(mean + spread * (2.0 * uniform - 1.0), 0.0, 1.0)


# ---------------------------------------------------------------------------------------------------------------
# 7 Account
# ---------------------------------------------------------------------------------------------------------------
@compiled
def coordination(loss, communication, delegated, misread):
    """1 − l·[(1 − C)·(1 − D) + D·Mis], in [0, 1]: what waiting for talk, and acting on a misreading, leave of output.

    D is the share of decisions left to the absent partner: these need no talk, but go wrong as far as it is misread.
    """
    return 1.0 - loss * ((1.0 - communication) * (1.0 - delegated) + delegated * misread)


@compiled
def base_output(market, extra_effort, mean_effort, coordination):
    """M·(1 + e·effort)·coordination, money/month: work together, less what is lost for want of talk."""
    return market * (1.0 + extra_effort * mean_effort) * coordination


@compiled
def absorbed(complementarity, communication, mutual_trust, gap):
    """x = complementarity·C·τ̄·(1 − G), in [0, 1]: how much of the partner's know-how a month lets through (K)."""
    return complementarity * communication * mutual_trust * (1.0 - gap)


@compiled
def know_how_after(know_how, absorbed, speed, returns):
    """Q + v·(x·(1 + b·Q) − Q), ≥ 0: shared know-how grows on know-how (Cohen & Levinthal 1990).

    It settles at x/(1 − b·x), so twice the exchange gives more than twice the know-how: values are skewed. b·x is
    held at 0.9, so that no stock grows for ever.
    """
    return know_how + speed * (absorbed + min(0.9, returns * absorbed) * know_how - know_how)


@compiled
def synergy_output(market, synergy, know_how):
    """M·s·Q, money/month: what shared know-how earns beyond the sum of the parts (K)."""
    return market * synergy * know_how


@compiled
def logistic_draw(spread, uniform):
    """spread·(√3/π)·ln(u/(1 − u)): logistic, mean 0, standard deviation = spread; heavier tails than the normal."""
    if spread == 0.0:
        return 0.0
    return spread * 0.5513288954217921 * math.log(uniform / (1.0 - uniform))


@compiled
def fortune_after(fortune, recovery, shock):
    """(f + r·(1 − f))·max(0.01, 1 + shock): the alliance's own market, mean 1, returning to 1 at rate r.

    Shocks multiply, so fortunes are skewed to the right; they hit trusted and distrusted alike.
    """
    return (fortune + recovery * (1.0 - fortune)) * max(0.01, 1.0 + shock)


@compiled
def relational_spending(cost, investment):
    """c·r², money/month: quadratic cost of relational investment, c at the joint optimum r = 1."""
    return cost * investment * investment


@compiled
def sober_plan(synergy, complementarity, planned_quality):
    """½·(1 + s·complementarity·q), money/month: one partner's share of what a sober plan counts on."""
    return 0.5 * (1.0 + synergy * complementarity * planned_quality)


@compiled
def shortfall(expectation, smoothed, plan, tolerance):
    """max(0, (E − V̄)/plan − tolerance), ≥ 0: how far results stay behind what is expected, in units of the plan.

    What partners are used to from ups and downs, the tolerance, does not count.
    """
    return max(0.0, (expectation - smoothed) / plan - tolerance)


@compiled
def frustration_after(frustration, gain, shortfall, relief):
    """F + g·min(1, shortfall)·(1 − F) − f·F, in [0, 1] (L: "individual and organizational frustration")."""
    return within(frustration + gain * min(1.0, shortfall) * (1.0 - frustration) - relief * frustration, 0.0, 1.0)


@compiled
def annuity(discount_rate, months):
    """(1 − (1 + r)^−N)/r, months: present value of one unit of money a month for N months."""
    return (1.0 - (1.0 + discount_rate) ** -months) / discount_rate


@compiled
def goodwill(expectation, outside_option, annuity):
    """(E − outside)⁺·annuity, money: present value of the surplus that one partner expects."""
    return max(0.0, expectation - outside_option) * annuity


@compiled
def impairment(carried, recoverable, headroom):
    """What a test of goodwill writes down, money: carried − recoverable, once that exceeds a share of what is carried.

    Small differences are within the error of any valuation (IAS 36 asks for the recoverable amount).
    """
    if recoverable < (1.0 - headroom) * carried:
        return carried - recoverable
    return 0.0


# ---------------------------------------------------------------------------------------------------------------
# 9 Market
# ---------------------------------------------------------------------------------------------------------------
@compiled
def reputation(good, bad, weight):
    """(good + ½·w)/(good + bad + w), in (0, 1): expected good conduct after w imagined neutral acts.

    Jøsang & Ismail 2002 (beta reputation), with w = 2. With nothing observed it is ½ for everybody.
    """
    return (good + 0.5 * weight) / (good + bad + weight)


@compiled
def remembered(count, forgetting, newly):
    """(1 − f)·count + newly: counts of observed conduct fade (Jøsang & Ismail 2002)."""
    return (1.0 - forgetting) * count + newly


@compiled
def appeal(complementarity, from_reputation, from_memory):
    """Score of a candidate: complementarity + reputation + what is remembered of earlier alliances with it."""
    return complementarity + from_reputation + from_memory


@compiled
def trust_at_start(drawn, from_reputation, memory, remembered_trust):
    """(1 − m)·(drawn + reputation) + m·remembered, held in [0, 1]: one does not meet an old partner as a stranger.

    ``memory`` m is 0 for strangers.
    """
    return within((1.0 - memory) * (drawn + from_reputation) + memory * remembered_trust, 0.0, 1.0)


@compiled
def evidence(convincing, p1, p0):
    """ln of the likelihood ratio of one answer: genuine partner (p1) against cat poster (p0) (Wald 1945)."""
    if convincing:
        return math.log(p1 / p0)
    return math.log((1.0 - p1) / (1.0 - p0))
