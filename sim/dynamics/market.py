"""The market, step 9 of docs/model.md: who searches, courts, interviews and signs; places and memories of partners."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import math

import numpy as np

from sim.dynamics import draws, rules
from sim.dynamics.compiled import compiled, entry
from sim.dynamics.signature import complementarity_of, place_of, sign
from sim.dynamics.state import NOBODY, SIDES
from sim.parameters import PLACES

QUESTIONS = 6  # of an interview
TIE = 1e-9  # evidence that differs by less is the same: sums of logarithms in another order differ by less


@entry
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


@entry
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
def appeal_terms(p, me, key, reputation, row, seed, replicate):
    """What speaks for an organization: complementarity, its name, what I remember; the arguments of ``rules.appeal``.

    Args:
        p, me: records of the parameters and of the organization that looks.
        key, reputation, row: of the organization that is looked at; I remember it by its row.
        seed, replicate: the key of the draws.
    """
    known = place_of(me.past, row)
    return (
        complementarity_of(p, me.key, key, seed, replicate),
        p.appeal_reputation * (reputation - 0.5),
        p.appeal_memory * (me.past_trust[known] - p.trust_start) if known >= 0 else 0.0,
    )


@compiled
def appeal_of(p, me, key, reputation, row, seed, replicate):
    """How much an organization appeals to me; arguments as for :func:`appeal_terms`."""
    return rules.appeal(*appeal_terms(p, me, key, reputation, row, seed, replicate))


@compiled
def shuns(p, me, row):
    """Whether I will have nothing to do with the organization in ``row``: it failed my interview, or broke my trust."""
    if place_of(me.refused, row) >= 0:
        return True
    known = place_of(me.past, row)
    return known >= 0 and me.past_trust[known] < p.trust_exit


@compiled
def best_candidate(p, orgs, i, pool, keys, fame, seed, replicate, month):
    """The row of the candidate that appeals most to organization ``i`` among some of the pool and earlier partners."""
    me = orgs[i]
    breadth = int(p.search_breadth)
    best, most = NOBODY, -math.inf
    drawn = (0.0, 0.0, 0.0, 0.0)  # four candidates at a time
    for j in range(breadth + PLACES):
        if j < breadth:
            if j % 4 == 0:
                drawn = draws.four(seed, replicate, month, draws.SEARCH + 1 + j // 4, me.key, draws.NOBODY)
            row = pool[int(drawn[j % 4] * len(pool))]
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
def is_preferred(target, suitor, row):
    """Whether an organization's own proposal is the one that its target prefers."""
    return target[row] != NOBODY and suitor[target[row]] == row


@compiled
def list_free(orgs, month, pool, places, keys, fame):
    """Fill in who is free, and what searchers read of everybody, together in memory; returns how many are free."""
    size = 0
    for i in range(len(orgs)):
        keys[i] = orgs[i].key
        fame[i] = orgs[i].reputation
        places[i] = math.ceil(orgs[i].capacity) - orgs[i].engaged
        if is_free(orgs[i], month):
            pool[size] = i
            size += 1
    return size


@compiled
def propose(p, orgs, pool, keys, fame, target, seed, replicate, month):
    """Who is free may search, and then proposes to the candidate that appeals most: ``target``, or nobody."""
    target[:] = NOBODY
    for i in pool:
        looks = draws.four(seed, replicate, month, draws.SEARCH, orgs[i].key, draws.NOBODY)[0]
        if looks < p.search_rate:
            target[i] = best_candidate(p, orgs, i, pool, keys, fame, seed, replicate, month)


@compiled
def consider(p, orgs, pool, keys, fame, target, suitor, seed, replicate, month):
    """Everybody proposed to considers its best suitor: ``suitor``, or nobody."""
    suitor[:] = NOBODY
    for i in pool:
        c = target[i]
        if c == NOBODY or shuns(p, orgs[c], i):
            continue
        now = suitor[c]
        if now == NOBODY or prefers(p, orgs[c], keys, fame, i, now, seed, replicate, month):
            suitor[c] = i


@compiled
def agree(p, orgs, i, c, seed, replicate, month):
    """Whether organizations ``i`` and ``c`` want each other: strangers interview each other, both in any case."""
    if place_of(orgs[c].past, i) >= 0 or place_of(orgs[i].past, c) >= 0:
        return True
    wanted = vets(p, orgs[i], orgs[c], c, seed, replicate, month)
    wanting = vets(p, orgs[c], orgs[i], i, seed, replicate, month)
    return wanted and wanting


@entry
def market_month(p, orgs, alliances, count, seed, replicate, month, scratch):
    """Step 9: search, propose, vet, sign. Returns the new number of alliances.

    Everybody with a free place may look at some candidates and propose to the best; everybody proposed to considers its
    best suitor. Who has one place only and whose own proposal is preferred does not take another. Everybody acts on the
    state at the start of the month: who signs with whom does not depend on the order in which signings are worked off.

    Args:
        p, orgs, seed, replicate, month: as in :func:`sim.dynamics.signature.sign`.
        alliances: records with room for as many more as there are organizations with a free place.
        count: how many rows are in use.
        scratch: int64 (6, N). Rows of organizations are in the order of their keys.
    """
    target, suitor, places, keys = scratch[1], scratch[2], scratch[3], scratch[4]
    fame = scratch[5].view(np.float64)
    pool = scratch[0][: list_free(orgs, month, scratch[0], places, keys, fame)]
    propose(p, orgs, pool, keys, fame, target, seed, replicate, month)
    consider(p, orgs, pool, keys, fame, target, suitor, seed, replicate, month)
    for c in pool:
        i = suitor[c]
        if i == NOBODY:
            continue
        mutual = target[c] == i and suitor[i] == c
        if mutual and c > i:
            continue  # the two meet once
        if not mutual and places[c] < 2 and is_preferred(target, suitor, c):
            continue
        if agree(p, orgs, i, c, seed, replicate, month):
            tie = alliances[count]
            tie.org[0] = min(i, c)
            tie.org[1] = max(i, c)
            sign(p, orgs, tie, seed, replicate, month)
            engage(orgs, tie)
            count += 1
    return count
