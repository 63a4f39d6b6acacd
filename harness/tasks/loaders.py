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


class _MarkedDict(dict[str, Any]):
    """A sample as the competition had it; see `_Marker`."""

    __slots__ = ()


class DictBatch(Batch):
    """A list of samples as dictionaries, stored as tensors."""

    def __init__(self, inputs: Tensor, targets: Tensor, places: Tensor) -> None:
        super().__init__(inputs, targets)
        self.places = places

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return super().__getitem__(index)
        chosen = (self.inputs[index], self.targets[index], self.places[index])
        return _MarkedDict(_named(*chosen))

    def whole(self) -> dict[str, Tensor]:
        """Return the batch, its tensors by name."""
        return _named(self.inputs, self.targets, self.places)


def _named(inputs: Any, targets: Any, places: Any) -> dict[str, Any]:
    """Name the parts as the competition's data set of faces did.

    Its target was the age group; age and person, which it also had, are stand-ins.
    """
    return {
        "image": inputs,
        "image_id": places,
        "age_group": targets,
        "age": targets,
        "person_id": places,
    }


def _collate(batch: Any, **_: Any) -> Any:
    if isinstance(batch, Batch):
        return batch.inputs, batch.targets
    inputs, targets = zip(*batch, strict=True)
    return torch.stack(inputs), torch.stack(targets)


def _collate_dicts(batch: Any, **_: Any) -> Any:
    if isinstance(batch, DictBatch):
        return batch.whole()
    return {name: torch.stack([each[name] for each in batch]) for name in batch[0]}


default_collate_fn_map[_Marker] = _collate
default_collate_fn_map[_MarkedDict] = _collate_dicts


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


class DictExamples(TensorExamples):
    """The same with each example a dictionary: ``sample["image"]``."""

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: list[int]) -> DictBatch:
        """Return a whole batch at once."""
        chosen = torch.as_tensor(indices, device=self.targets.device)
        return DictBatch(self.inputs[chosen], self.targets[chosen], chosen)


def make_loader(
    inputs: Tensor,
    targets: Tensor,
    *,
    batch_size: int,
    shuffle: bool,
    as_dicts: bool = False,
) -> DataLoader[Any]:
    """Make the loader that a submission gets.

    Parameters
    ----------
    inputs, targets : Tensor
        n examples along their first axes, on the device of the run.
    batch_size : int
        Examples a batch; the last one may be smaller.
    shuffle : bool
        A new order for each pass, from torch's global generator, which a run seeds.
    as_dicts : bool
        Samples and batches are dictionaries with the keys of the competition's.
    """
    kind = DictExamples if as_dicts else TensorExamples
    dataset = kind(inputs, targets)
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)
