"""Run submissions, each call in a process of its own, and take only weights back."""
