"""Give a small checkpoint that unpacks to more than there is memory."""

import io
import zipfile

import pytest
import torch

from harness.run.messages import CheckpointRequest, Limit
from harness.status import Status


@pytest.fixture
def read(lab):
    def call(content: bytes):
        limit = Limit(wall_seconds=30)
        request = CheckpointRequest(lambda: content, 7, 4 << 30, limit)
        report = lab.worker.run(request)
        lab.reports.append(report)
        return report

    return call


@pytest.fixture
def state(lab):
    return {name: torch.from_numpy(a.copy()) for name, a in lab.original.items()}


def test_parts_that_unpack_to_too_much_are_refused_before_they_do(read, state, saved):
    buffer = io.BytesIO(saved({**state, "fc.bias": torch.zeros(25_000_000)}))
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(buffer) as plain,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for entry in plain.infolist():
            archive.writestr(entry.filename, plain.read(entry))
    assert len(packed.getvalue()) < 1_000_000

    report = read(packed.getvalue())

    assert report.failure.status is Status.INVALID
    assert report.failure.reason.startswith("it unpacks to 100.3 MB; a checkpoint of")
    assert report.usage.peak_bytes < 600 << 20


def test_a_tensor_that_repeats_one_number_is_measured_by_its_shape(read, state, saved):
    endless = torch.zeros(1).expand(1 << 40)

    report = read(saved({**state, "fc.bias": endless}))

    assert report.failure.reason == (
        "it holds wrong shapes: fc.bias is [1099511627776], not [10]."
    )


def test_a_tensor_of_the_right_shape_that_repeats_one_number_is_read(
    read, state, saved, lab
):
    report = read(saved({**state, "fc.bias": torch.ones(1).expand(10)}))

    assert (lab.weights(report)["fc.bias"] == 1).all()


def test_words_without_end_are_no_weights(read, saved):
    deep: object = torch.zeros(1)
    for _ in range(300):
        deep = [deep, deep]

    report = read(saved({"state_dict": {"fc.bias": deep}}))

    assert report.failure.status is Status.INVALID
    assert report.failure.reason == "fc.bias in it is no tensor but list."
