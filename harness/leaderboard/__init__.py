"""The leaderboard: stored results, vetted, ranked, written down and checked again."""
