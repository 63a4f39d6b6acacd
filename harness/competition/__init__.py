"""Hosting a competition elsewhere: a bundle for Codabench, and what it runs there."""
