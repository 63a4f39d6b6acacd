"""Measure what models output, in processes that never run a submission."""
