"""The binary version of CIFAR-10, and that what is loaded is CIFAR-10."""

import hashlib

import numpy as np
import pytest

from harness.tasks.cifar10 import DATA_HASH, Cifar10
from harness.tasks.cifar10.binary import BATCH_NAMES, CIFAR10, Batch


def _planes(images):
    return images.transpose(0, 3, 1, 2).reshape(len(images), 3072)


def _as_batch(cifar10, index):
    if index == 5:
        return Batch(cifar10.test_targets, _planes(cifar10.test_images))
    part = slice(10_000 * index, 10_000 * (index + 1))
    return Batch(cifar10.train_targets[part], _planes(cifar10.train_images[part]))


@pytest.mark.parametrize("index", range(6), ids=BATCH_NAMES)
def test_what_is_loaded_has_the_published_sum_of_each_batch(cifar10, index):
    assert _as_batch(cifar10, index).sha1() == CIFAR10.sums[index]


def test_the_first_labels_are_those_of_cifar10(cifar10):
    assert cifar10.train_targets[:5].tolist() == [6, 9, 9, 4, 1]
    assert cifar10.test_targets[:5].tolist() == [3, 8, 8, 0, 6]


def test_every_class_is_as_frequent_as_every_other(cifar10):
    assert np.bincount(cifar10.train_targets).tolist() == 10 * [5000]
    assert np.bincount(cifar10.test_targets).tolist() == 10 * [1000]


def test_arrays_have_the_promised_shapes_and_types(cifar10):
    assert [(array.shape, array.dtype.name) for array in cifar10] == [
        ((50_000, 32, 32, 3), "uint8"),
        ((50_000,), "int64"),
        ((10_000, 32, 32, 3), "uint8"),
        ((10_000,), "int64"),
    ]


def test_the_sum_is_that_of_label_byte_then_red_green_blue():
    labels = np.array([7, 2], dtype=np.uint8)
    planes = np.arange(2 * 3072).astype(np.uint8).reshape(2, 3072)
    file = b"\x07" + planes[0].tobytes() + b"\x02" + planes[1].tobytes()
    assert Batch(labels, planes).sha1() == hashlib.sha1(file).hexdigest()


def test_images_put_the_channel_last():
    planes = np.arange(3072).astype(np.uint8).reshape(1, 3072)
    image = Batch(np.zeros(1, np.uint8), planes).images()[0]
    row, column = 3, 5
    expected = [planes[0, 1024 * c + 32 * row + column] for c in range(3)]
    assert image[row, column].tolist() == expected


def test_the_data_hash_never_changes():
    # Stores that are addressed by it would all be orphaned.
    expected = "192d7d5826f293d88ec6dc6fcea4847003d3d81a98b083754c42e6eebf471f19"
    assert expected == DATA_HASH


def test_the_sums_of_the_pickles_are_those_that_torchvision_publishes():
    from torchvision.datasets import CIFAR10 as published  # noqa: PLC0415

    lists = published.train_list + published.test_list
    assert list(zip(BATCH_NAMES, CIFAR10.pickle_sums, strict=True)) == [
        tuple(entry) for entry in lists
    ]


def test_the_sum_of_the_arrays_is_that_of_the_six_batches(cifar10):
    batches = [_as_batch(cifar10, index) for index in range(6)]

    assert Cifar10.of(batches).sha256() == CIFAR10.arrays_sha256
