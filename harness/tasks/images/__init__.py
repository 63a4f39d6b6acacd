"""Train original and retrained models, quickly."""
