"""From a submission to its result: runs, evaluation, cost, metrics."""
