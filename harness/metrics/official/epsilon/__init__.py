"""Per-example epsilon of the competition; how it is found is private to this folder."""

from harness.metrics.official.epsilon._epsilon import DELTA, EpsilonResult, epsilon

__all__ = ["DELTA", "EpsilonResult", "epsilon"]
