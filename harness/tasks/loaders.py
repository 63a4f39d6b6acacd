"""Real data loaders over tensors in memory, without Python for each image."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.data._utils.collate import default_collate_fn_map

Sample = tuple[Tensor, Tensor]


class _Marker(tuple[Tensor, Tensor]):
    """A sample whose type tells the default collation that the batch is ready."""

    __slots__ = ()


class Batch(Sequence[Sample]):
    """A list of samples that is stored as two tensors.

    To a custom ``collate_fn`` it is a sequence of ``(input, target)``; the default
    collation takes the two tensors as they are.
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return _Marker((self.inputs[index], self.targets[index]))

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))


def _collate(batch: Any, **_: Any) -> Any:
    if isinstance(batch, Batch):
        return batch.inputs, batch.targets
    inputs, targets = zip(*batch, strict=True)
    return torch.stack(inputs), torch.stack(targets)


default_collate_fn_map[_Marker] = _collate


class TensorExamples(Dataset[Sample]):
    """Inputs and targets held as tensors, n examples along their first axes.

    A batch is one indexing of each tensor, through ``__getitems__``, for any batch
    size, sampler, ``Subset`` or ``collate_fn``.
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Sample:
        return self.inputs[index], self.targets[index]

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return a whole batch at once."""
        chosen = torch.as_tensor(indices, device=self.targets.device)
        return Batch(self.inputs[chosen], self.targets[chosen])


def make_loader(
    inputs: Tensor, targets: Tensor, *, batch_size: int, shuffle: bool
) -> DataLoader[Sample]:
    """Make the loader that a submission gets.

    Parameters
    ----------
    inputs, targets : Tensor
        n examples along their first axes, on the device of the run.
    batch_size : int
        Examples a batch; the last one may be smaller.
    shuffle : bool
        A new order for each pass, from torch's global generator, which a run seeds.
    """
    dataset = TensorExamples(inputs, targets)
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)
