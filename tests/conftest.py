"""What all tests share: small examples for Hypothesis that are the same in every run."""

from hypothesis import HealthCheck, settings

# The same examples in every run, so that a failure is about the code; no deadline, because compiling takes its time.
settings.register_profile(
    "alliance-trust", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("alliance-trust")
