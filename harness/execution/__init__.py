"""Where runs go: the workers of this machine."""
