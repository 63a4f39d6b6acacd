"""The arrays that metrics are computed from, checked."""
