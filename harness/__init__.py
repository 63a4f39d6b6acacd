"""Score machine-unlearning functions the way the NeurIPS'23 competition did."""

__version__ = "0.1.0"
