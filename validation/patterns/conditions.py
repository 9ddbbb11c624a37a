"""Conditions under which several statements are measured."""

from __future__ import annotations

from validation.effects import Settings

MORE = 4
"""Times as many replicates for effects of the size of a replicate's chance variation."""

NOBODY_LEAVES: Settings = {"trust_exit": 0.0, "disappointment_exit": 0.0, "exogenous_exit": 0.0}
"""So that a mean over living alliances is not a matter of which ones are left."""
TRUST_HELD: Settings = {"clamp_trust": True, **NOBODY_LEAVES}
"""Trust stays as it is at the signature, so that what follows from trust is not what follows from its history."""
LESS_TRUST, MORE_TRUST = 0.45, 0.75
"""Two levels of trust at the signature that are compared."""

CALM: Settings = {"disappointment_loss": 0.0, "effort_frustration": 0.0, "adapt_frustration": 0.0}
"""Partners take disappointment calmly."""
LOW_INTEGRITY: Settings = {"beta": [2, 6]}
SOUND: Settings = {"beta": [12, 1]}
"""How integrity is spread among partners who often shirk, and among those who next to never do."""
