"""Keyed random numbers: the published vectors, evenness and independence, and that keys do not run into one another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.dynamics import draws

# kat_vectors of Random123, "philox4x32 10": counter, key, answer.
VECTORS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
PURPOSES = (
    "OCCURRENCES",
    "CONDUCT",
    "MOVES",
    "CONTINGENCY",
    "SURFACING",
    "FRAMING",
    "NOTICING",
    "WITNESS",
    "TALKING",
    "START",
    "PAIR",
    "ORDER",
)
RANGES = {"SEARCH": 26, "INTERVIEW": 50}
"""Purposes that take several blocks of four: a search looks at up to 100 candidates (its first block says whether there
is one), an interview asks up to 200 questions."""


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), VECTORS)
def test_philox_gives_the_published_vectors(counter, key, answer):
    assert list(draws.philox(*words(counter), *words(key))) == words(answer)


def reference_philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10 as its authors write it, with Python's whole numbers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 2**32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def test_philox_agrees_with_whole_number_arithmetic():
    cases = np.random.default_rng(1).integers(0, 2**32, (300, 6))
    for case in cases.tolist():
        assert list(draws.philox(*case)) == reference_philox(case[:4], case[4:])


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**62 + 5, 2**63 - 1])
def test_four_lays_its_key_out_as_documented(seed):
    month, block, replicate, first, second = 143, draws.FRAMING, 2**32 - 1, 7, 2**32 - 2
    raw = reference_philox([month * 2**16 + block, replicate, first, second], [seed % 2**32, seed // 2**32])
    expected = tuple((word + 0.5) / 2**32 for word in raw)
    assert draws.four(seed, replicate, month, block, first, second) == expected


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match="out of range"):
        draws.check_seed(seed)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_a_seed_in_range_is_kept(seed):
    assert draws.check_seed(seed) == seed


def many(count: int, seed: int = 11) -> np.ndarray:
    """``count`` draws of four, each for another month, replicate and pair, shape (count, 4)."""
    return np.array([draws.four(seed, i // 40, i % 40, draws.CONDUCT, i % 7, 7 + i % 11) for i in range(count)])


def test_draws_are_even_in_the_open_interval():
    values = many(20_000)
    assert values.min() > 0.0
    assert values.max() < 1.0
    for word in range(4):
        assert stats.kstest(values[:, word], "uniform").pvalue > 1e-3


def test_the_four_words_do_not_depend_on_one_another():
    values = many(20_000)
    correlation = np.corrcoef(values.T)
    off = correlation[~np.eye(4, dtype=bool)]
    assert np.abs(off).max() < 4 / math.sqrt(len(values))


@pytest.mark.parametrize("shift", ["seed", "replicate", "month", "block", "first", "second"])
def test_neighbouring_keys_do_not_depend_on_one_another(shift):
    key = {"seed": 5, "replicate": 3, "month": 0, "block": draws.MOVES, "first": 10, "second": 20}
    names = list(key)
    count, pairs = 5_000, []
    for i in range(count):
        here = {**key, "month": i}
        there = {**here, shift: here[shift] + (count if shift == "month" else 1)}
        pairs.append((draws.four(*[here[n] for n in names]), draws.four(*[there[n] for n in names])))
    x, y = np.array([(left[0], right[0]) for left, right in pairs]).T
    assert abs(np.corrcoef(x, y)[0, 1]) < 4 / math.sqrt(count)
    assert len({block for pair in pairs for block in pair}) == 2 * count


def test_each_purpose_has_a_block_of_its_own():
    from sim.parameters import DIMENSIONS, Parameters, Traits, meta

    blocks = [getattr(draws, name) for name in PURPOSES]
    blocks += [getattr(draws, name) + k for name, count in RANGES.items() for k in range(count)]
    assert meta(Parameters.model_fields["search_breadth"])["high"] <= 4 * (RANGES["SEARCH"] - 1)
    assert meta(Traits.model_fields["vetting"])["high"] <= 4 * RANGES["INTERVIEW"]
    blocks += [draws.TRAITS + 64 * t + d for t in range(len(Traits.model_fields)) for d in range(len(DIMENSIONS))]
    assert len(set(blocks)) == len(blocks)
    assert max(blocks) < 2**16
    named = {
        name for name, value in vars(draws).items() if name.isupper() and isinstance(value, int) and name[0] != "_"
    }
    assert named == {*PURPOSES, *RANGES, "TRAITS", "NOBODY"}  # a new purpose must be added to this test


def test_the_longest_horizon_fits_the_month_word():
    from sim.scenario import MAX_MONTHS, MAX_ORGANIZATIONS

    assert MAX_MONTHS < 2**16
    assert MAX_ORGANIZATIONS < draws.NOBODY


def test_organizations_draw_by_key_and_not_by_row():
    replicates = np.array([4, 9], dtype=np.int64)
    keys = np.array([[0, 1, 2], [0, 1, 2]], dtype=np.int64)
    values, selects = np.empty((2, 3)), np.empty((2, 3))
    draws.fill_pairs(3, replicates, draws.TRAITS, keys, values, selects)
    moved_values, moved_selects = np.empty((1, 3)), np.empty((1, 3))
    draws.fill_pairs(3, replicates[1:], draws.TRAITS, keys[1:, ::-1].copy(), moved_values, moved_selects)
    assert (moved_values[0] == values[1, ::-1]).all()
    assert (moved_selects[0] == selects[1, ::-1]).all()
    assert len(np.unique([values, selects])) == 12


def test_organizations_draws_are_even():
    count = 5_000
    keys = np.arange(count, dtype=np.int64)[None, :]
    values, selects = np.empty((1, count)), np.empty((1, count))
    draws.fill_pairs(3, np.array([0], dtype=np.int64), draws.TRAITS, keys, values, selects)
    for sample in (values[0], selects[0]):
        assert 0.0 < sample.min() < sample.max() < 1.0
        assert stats.kstest(sample, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(values[0], selects[0])[0, 1]) < 4 / math.sqrt(count)


def test_an_alliance_starts_from_its_draws_of_the_month_of_the_signature():
    from sim.dynamics.rules import chemistry_drawn, logistic_draw
    from sim.engine import LiveRun
    from tests.builders import dyad

    start = LiveRun(dyad(trust_start_sd=0.1, chemistry_spread=0.3), seed=8, replicate=2).alliances[0]
    uniforms = draws.four(8, 2, 0, draws.START, 0, 1)
    assert list(start.trust) == [0.5 + logistic_draw(0.1, uniforms[side]) for side in (0, 1)]
    assert start.chemistry == chemistry_drawn(0.5, 0.3, uniforms[2])
