"""The competition's metric: epsilon, forgetting quality, score."""
