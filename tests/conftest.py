"""What all tests share: small examples for Hypothesis that are the same in every run, and signals as in a terminal."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from sim.dynamics.compiled import first_use

first_use.said = True  # what the commands print does not depend on whether the core was compiled before

# The same examples in every run, so that a failure is about the code; no deadline, because compiling takes its time.
settings.register_profile(
    "alliance-trust", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("alliance-trust")


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Signals as a terminal gives them, to children too: under ``nohup`` or in the background some are ignored."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
