"""Whatever honest tools save of the network is read, and nothing else is."""

import ast
import io
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

import harness
from harness.run.inside.checkpoint_reading import read_checkpoint
from harness.run.messages import Failure
from harness.status import Status

COUNT = "stem.1.num_batches_tracked"


def test_a_state_dict_comes_through_to_the_bit(arrays, state):
    read = arrays(state)

    assert set(read) == set(state)
    for name, tensor in state.items():
        assert read[name].tobytes() == tensor.numpy().tobytes(), name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_single_precision(arrays, state, dtype):
    other = {n: t.to(dtype) if t.is_floating_point() else t for n, t in state.items()}

    read = arrays(other)

    assert read["fc.weight"].dtype == np.float32
    np.testing.assert_array_equal(
        read["fc.weight"], state["fc.weight"].to(dtype).float().numpy()
    )


def test_counts_that_were_halved_too_are_whole_numbers_again(arrays, state):
    assert COUNT in state
    everything = {name: tensor.half() for name, tensor in state.items()}
    everything[COUNT] = torch.tensor(1056.0).half()

    read = arrays(everything)

    assert read[COUNT].dtype == np.int64
    assert read[COUNT] == 1056


@pytest.mark.parametrize("count", [0.5, float("inf"), float("nan")])
def test_a_count_that_is_no_whole_number_is_refused(refusal, state, count):
    failure = refusal({**state, COUNT: torch.tensor(count)})

    assert failure == Failure(Status.INVALID, f"{COUNT} in it is no whole number.")


def test_what_dataparallel_puts_before_the_names_is_taken_away(arrays, state, network):
    wrapped = torch.nn.DataParallel(network).state_dict()

    assert all(name.startswith("module.") for name in wrapped)
    assert (
        arrays(wrapped)["fc.weight"].tobytes() == state["fc.weight"].numpy().tobytes()
    )


@pytest.mark.parametrize("key", ["state_dict", "model", "net", "model_state_dict"])
def test_a_state_dict_wrapped_with_other_facts_is_found(arrays, state, key):
    read = arrays({key: state, "epoch": 3, "optimizer": {"lr": 0.1}})

    assert read["fc.bias"].tobytes() == state["fc.bias"].numpy().tobytes()


@pytest.mark.parametrize("also", ["model", "net", "fc.bias"])
def test_a_wrapping_that_leaves_a_doubt_is_refused(refusal, state, also):
    other = torch.zeros(10) if also == "fc.bias" else dict(state)

    failure = refusal({"state_dict": state, also: other})

    assert failure.reason.startswith("it is not clear which weights of it are meant")


def test_the_format_before_torch_1_6_is_read(arrays, state):
    read = arrays(state, _use_new_zipfile_serialization=False)

    assert read["fc.bias"].tobytes() == state["fc.bias"].numpy().tobytes()


def test_parameters_that_want_gradients_are_read(arrays, network, state):
    entries = OrderedDict(network.named_parameters())
    entries |= dict(network.named_buffers())

    read = arrays(entries)

    assert read["fc.bias"].tobytes() == state["fc.bias"].numpy().tobytes()


def test_a_missing_tensor_is_named(refusal, state):
    del state["fc.bias"]

    assert refusal(state).reason == "it holds another network: it lacks fc.bias."


def test_a_surplus_tensor_is_named(refusal, state):
    failure = refusal({**state, "head.weight": torch.zeros(1)})

    assert failure.reason == "it holds another network: it has head.weight."


def test_a_wrong_shape_is_named(refusal, state):
    failure = refusal({**state, "fc.bias": torch.zeros(11)})

    assert failure == Failure(
        Status.INVALID, "it holds wrong shapes: fc.bias is [11], not [10]."
    )


@pytest.mark.parametrize(
    ("bias", "words"),
    [
        (torch.zeros(10, dtype=torch.int8), "has torch.int8, not floating numbers"),
        (torch.zeros(10, dtype=torch.complex64), "has torch.complex64, not floating"),
        (torch.zeros(10).to_sparse(), "is no plain tensor"),
        (torch.zeros(10, device="meta"), "is no plain tensor"),
        ([0.0] * 10, "is no tensor but list"),
        (b"0123456789", "is no tensor but bytes"),
    ],
)
def test_something_else_than_floating_numbers_is_named(refusal, state, bias, words):
    failure = refusal({**state, "fc.bias": bias})

    assert failure.status is Status.INVALID
    assert failure.reason.startswith(f"fc.bias in it {words}")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "it holds list and no state dict; save net.state_dict()."),
        (torch.zeros(3), "it holds Tensor and no state dict; save net.state_dict()."),
        ({7: torch.zeros(3)}, "it has a int for a name."),
    ],
)
def test_something_else_than_a_state_dict_is_refused(refusal, content, words):
    assert refusal(content) == Failure(Status.INVALID, words)


def test_a_whole_network_is_refused_by_the_name_of_its_class(refusal, network):
    failure = refusal(network)

    assert failure.status is Status.INVALID
    assert failure.reason.startswith(
        "it holds pickled code (harness.tasks.images.networks."
    )
    assert failure.reason.endswith(
        "): only plain tensors are read; save net.state_dict()."
    )


def test_a_file_cut_off_anywhere_is_refused_not_a_crash(refusal, halved, saved):
    content = saved(halved)

    for end in (0, 1, 4, 100, len(content) // 2, len(content) - 30, len(content) - 1):
        failure = refusal(content[:end])
        assert failure.status is Status.INVALID
        assert failure.reason.startswith(("it cannot be read (", "it is damaged ("))


def test_a_file_with_a_changed_byte_never_crashes(saved, state, spec):
    small = {n: t for n, t in state.items() if t.numel() < 100}
    content = saved({**small, "fc.bias": torch.zeros(10)})
    generator = np.random.default_rng(0)

    for place in generator.integers(0, len(content), 60):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        assert isinstance(read_checkpoint(bytes(changed), spec), Failure)


def test_a_checkpoint_whose_parts_unpack_to_too_much_is_refused_unread(refusal):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(20_000_000))

    reason = refusal(buffer.getvalue()).reason

    assert reason == (
        "it unpacks to 20.0 MB; a checkpoint of this track's network has at most "
        "2.1 MB."
    )


def test_only_the_process_of_a_run_can_read_a_checkpoint():
    root = Path(harness.__file__).parent
    loading, importing = set(), set()
    for path in root.rglob("*.py"):
        place = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(value=ast.Name(id="torch"), attr="load"):
                    loading.add(place)
                case ast.ImportFrom(module="harness.run.inside.checkpoint_reading"):
                    importing.add(place)
    assert loading == {"run/inside/checkpoint_reading.py"}
    assert importing == {"run/inside/template.py"}


def test_what_was_saved_on_a_gpu_is_read_without_one(arrays, state, saved, monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    assert b"cuda:0" in saved(state)

    read = arrays(state)

    assert read["fc.bias"].tobytes() == state["fc.bias"].numpy().tobytes()
