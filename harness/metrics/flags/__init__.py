"""What can fool the metric is said, and changes no number."""
