"""Random numbers keyed by (seed, replicate, month, who, what for): no generator has a state.

A draw is a pure function of its key, so it does not matter in which order, chunk, thread or engine it is made, and two
scenarios share every draw that both make. The function is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers:
as easy as 1, 2, 3", SC'11), tested against the vectors that its authors publish.

The counter holds month and block, replicate, and the keys of the two organizations; the 64-bit key is the seed. A block
gives four numbers. **A new mechanism takes a new block or a free word, so old draws stay as they are.**
"""

from __future__ import annotations

import numpy as np

from sim.dynamics.compiled import compiled, entry

# What the four numbers of each block of an alliance's month decide. Sides: A is the partner with the smaller key.
OCCURRENCES = 0  # contingency, friction, market shock, exogenous end
CONDUCT = 1  # delivery of A, of B, shirking of A, of B
MOVES = 2  # key person of A leaves, of B, disappointed A leaves, B leaves
CONTINGENCY = 3  # covered by the contract, A adapts, B adapts, (free)
SURFACING = 4  # fault of A surfaces, of B, friction surfaces, (free)
FRAMING = 5  # fault of A is framed as a problem to solve, of B, friction, which side raises friction
NOTICING = 6  # shirking of A shows, of B, chemistry of the new people, (free)
WITNESS = 7  # act of A becomes known, is reported the wrong way round; the same of B
TALKING = 8  # how much is said this month, (free), (free), (free)
START = 16  # month of the signature: trust of A, trust of B, chemistry, (free)
PAIR = 17  # month 0, lasting: complementarity, channels, (free), (free)

# Blocks of an organization (the second key is NOBODY); vectors take one block for each dimension.
TRAITS = 4096  # block = TRAITS + 64·trait + dimension: words 0–1 value, words 2–3 component of a mixture
ORDER = 32  # place in the random order that a network is built from
SEARCH = 33  # does it search, its lot among equal suitors, (free), (free); next 25 blocks: candidates, four each
INTERVIEW = 512  # block = INTERVIEW + question number // 4: its answers; keys are who asks and who answers

NOBODY = 0xFFFFFFFF

_MASK = 0xFFFFFFFF
_SCALE = 1.0 / 4294967296.0


@compiled
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Philox4x32-10: four 32-bit words of counter and two of key to four 32-bit words.

    Args:
        c0, c1, c2, c3: counter words, integers in [0, 2**32).
        k0, k1: key words, integers in [0, 2**32).

    Returns:
        Four integers in [0, 2**32).

    Source: Salmon et al. 2011, doi:10.1145/2063384.2063405. Products wrap at 64 bits when compiled and do not in plain
    Python; the masks make both the same.
    """
    c0, c1, c2, c3, k0, k1 = int(c0), int(c1), int(c2), int(c3), int(k0), int(k1)  # for plain Python: no NumPy wrapping
    for _ in range(10):
        left = 0xD2511F53 * c0
        right = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            ((right >> 32) & _MASK) ^ c1 ^ k0,
            right & _MASK,
            ((left >> 32) & _MASK) ^ c3 ^ k1,
            left & _MASK,
        )
        k0 = (k0 + 0x9E3779B9) & _MASK
        k1 = (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


@compiled
def four(seed, replicate, month, block, first, second):  # type: ignore[no-untyped-def]
    """Four independent uniforms in (0, 1), on a grid of 2**-32.

    Args:
        seed: integer in [0, 2**63).
        replicate: integer in [0, 2**32).
        month: integer in [0, 2**16); 0 is the start.
        block: what for, one of this module's constants, in [0, 2**16).
        first, second: keys of the organizations, in [0, 2**32).
    """
    w0, w1, w2, w3 = philox((month << 16) | block, replicate, first, second, seed & _MASK, (seed >> 32) & _MASK)
    return (w0 + 0.5) * _SCALE, (w1 + 0.5) * _SCALE, (w2 + 0.5) * _SCALE, (w3 + 0.5) * _SCALE


@entry
def fill_pairs(seed, replicates, block, keys, values, selects):  # type: ignore[no-untyped-def]
    """Two uniforms for each (replicate, organization): a value on a grid of 2**-53 and a selector.

    Args:
        seed, block: see :func:`four`.
        replicates: int64 array (R,).
        keys: int64 array (R, N) of organizations' keys.
        values, selects: float64 arrays (R, N), filled in place.
    """
    for r in range(len(replicates)):
        for i in range(keys.shape[1]):
            w0, w1, w2, w3 = philox(block, replicates[r], keys[r, i], NOBODY, seed & _MASK, (seed >> 32) & _MASK)
            values[r, i] = ((w0 >> 5) * 67108864.0 + (w1 >> 6) + 0.5) / 9007199254740992.0
            selects[r, i] = ((w2 >> 5) * 67108864.0 + (w3 >> 6) + 0.5) / 9007199254740992.0


def check_seed(seed: int) -> int:
    """The seed as an integer in [0, 2**63), or ValueError."""
    if not 0 <= int(seed) < 2**63:
        raise ValueError(f"seed {seed} is out of range: an integer from 0 to 2**63 - 1")
    return int(np.int64(seed))
