"""The data room: CIFAR-10 from wherever it can be had, and its splits."""

from harness.data.cifar10 import DATA_HASH, load_cifar10
from harness.data.location import cache_root
from harness.data.store import Cifar10

__all__ = ["DATA_HASH", "Cifar10", "cache_root", "load_cifar10"]
