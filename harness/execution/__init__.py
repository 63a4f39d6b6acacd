"""Where work goes: the workers of this machine, or those of a cluster."""
