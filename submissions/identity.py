"""Return the original model as it is: the floor every method must beat.

Uses nothing. A control: its score is what doing nothing is worth.
"""

NAME = "Identity"


def unlearning(net, retain, forget, validation):
    """Change nothing."""
    return net
