"""Attacks chosen on some models and judged on others; certified bounds."""
