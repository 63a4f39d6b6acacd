"""Attacks chosen on some models and tried on others; certified bounds."""
