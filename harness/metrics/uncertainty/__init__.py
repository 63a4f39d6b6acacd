"""Intervals, ceiling and floor, and paired differences."""
