"""Metrics: pure functions of arrays of confidences and accuracies."""

METRICS_VERSION = 9
"""Rises when a stored result's arrays would give other numbers: then it is measured
again, without a run."""
