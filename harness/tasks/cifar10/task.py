"""The task of classifying CIFAR-10."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from harness.tasks.base import Evaluator, Examples, Indices, Sets, Shown, Task, Trainer
from harness.tasks.cifar10.load import DATA_HASH, Cifar10, load_cifar10
from harness.tasks.images.splits import make_split, split_data

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader


class Cifar10Task(Task):
    """CIFAR-10, every byte compared with its published checksums."""

    @property
    def data_hash(self) -> str:
        """Digest over the published sums: nothing is read for it."""
        return DATA_HASH

    @property
    def engine_version(self) -> str:
        """To come."""
        raise NotImplementedError

    @cached_property
    def _data(self) -> Cifar10:
        return load_cifar10(self.data_dir, progress=True)

    def sets(self) -> Sets:
        """Copy the images of the split."""
        split = split_data(self._data, self.track.data)
        return Sets(*(Examples(part.images, part.targets) for part in split))

    def forget_indices(self) -> Indices:
        """Places in the training images."""
        return make_split(self._data, self.track.data).forget

    def network(self, seed: int | None = None) -> "nn.Module":
        """To come."""
        raise NotImplementedError

    def loader(
        self, examples: Examples, device: "torch.device", *, shuffle: bool
    ) -> "DataLoader[object]":
        """To come."""
        raise NotImplementedError

    def trainer(self, examples: Examples, device: "torch.device") -> Trainer:
        """To come."""
        raise NotImplementedError

    def evaluator(
        self, sets: Mapping[str, Examples], device: "torch.device"
    ) -> Evaluator:
        """To come."""
        raise NotImplementedError

    def show(self, index: int) -> Shown:
        """To come."""
        raise NotImplementedError
