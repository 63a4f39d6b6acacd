"""The literature's metrics, each with its interval and null."""
