"""CIFAR-10, wherever it comes from."""

from harness.tasks.cifar10.load import DATA_HASH, load_cifar10
from harness.tasks.cifar10.store import Cifar10

__all__ = ["DATA_HASH", "Cifar10", "load_cifar10"]
