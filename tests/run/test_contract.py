"""What a submission is given and what it may return, through a real process."""

import numpy as np
import pytest

from harness.models.weights import relative_distance
from harness.status import Status


def shown(report) -> str:
    assert report.failure is None, report.failure
    return report.output.strip()


def test_a_submission_that_returns_the_network_unchanged_gives_its_weights(
    call_body, spec, bank
):
    report = call_body("return net")

    weights = spec.unpack(report.weights)
    assert all(
        np.array_equal(weights[k], v) for k, v in bank.original_weights[0].items()
    )


def test_returning_nothing_means_that_net_was_changed_in_place(call_body, spec, bank):
    report = call_body("with torch.no_grad():\n    net.fc.bias.add_(1)")

    weights = spec.unpack(report.weights)
    assert np.allclose(weights["fc.bias"], bank.original_weights[0]["fc.bias"] + 1)


@pytest.mark.parametrize(
    "body",
    [
        "import copy\nreturn copy.deepcopy(net)",
        "return net.double()",
        "return net.to(memory_format=torch.channels_last)",
        "return net.train()",
        "net.requires_grad_(False)\nreturn net",
    ],
)
def test_any_network_of_the_same_weights_is_the_same_network(
    call_body, spec, bank, body
):
    report = call_body(body)

    weights = spec.unpack(report.weights)
    assert relative_distance(weights, bank.original_weights[0]) == 0


def test_the_three_sets_are_those_of_the_split_and_hold_no_other_image(
    call_body, split
):
    body = (
        "for s in (retain, forget, validation):\n"
        "    print(len(s.dataset), s.batch_size, sum(int(y.sum()) for _, y in s))"
    )

    lines = shown(call_body(body)).splitlines()

    assert [line.split() for line in lines] == [
        [str(len(e.targets)), "32", str(e.targets.sum())]
        for e in (split.retain, split.forget, split.validation)
    ]


def test_loaders_work_with_workers_and_other_batch_sizes_inside_a_run(call_body):
    body = (
        "from torch.utils.data import DataLoader\n"
        "batches = DataLoader(retain.dataset, batch_size=100, num_workers=2)\n"
        "print([len(y) for _, y in batches])"
    )

    assert shown(call_body(body)) == "[100, 100, 100, 50]"


def test_weights_can_be_flattened_as_participants_do(call_body):
    body = (
        "from torch.nn.utils import parameters_to_vector\n"
        "parameters_to_vector(net.parameters())\n"
        "print(sum(p.data.view(-1).numel() for p in net.parameters()))"
    )

    assert shown(call_body(body)) == "70954"


def test_the_network_comes_ready_to_evaluate_and_on_one_thread(call_body):
    body = "print(net.training, torch.get_num_threads(), torch.is_grad_enabled())"

    assert shown(call_body(body)) == "False 1 True"


def test_optional_arguments_are_passed_to_a_function_that_names_them(call):
    report = call(
        "def unlearning(a, b, c, d, *, seed, device, budget_seconds, recipe=None):\n"
        "    print(seed, device.type, budget_seconds, recipe.epochs)",
        seed=41,
        budget_seconds=1.5,
    )

    assert shown(report) == "41 cpu 1.5 2"


@pytest.mark.parametrize("rest", ["**options", "*rest, **options"])
def test_optional_arguments_are_not_passed_to_a_function_that_does_not_name_them(
    call, rest
):
    report = call(f"def unlearning(a, b, c, d, {rest}): print(options)")

    assert shown(report) == "{}"


def test_a_submission_may_use_dataclasses_and_helpers_of_its_own(call):
    report = call(
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Plan:\n"
        "    steps: int = 3\n"
        "def helper():\n"
        "    return Plan().steps\n"
        "def unlearning(net, retain, forget, validation):\n"
        "    print(helper())\n"
    )

    assert shown(report) == "3"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "return 5",
            "unlearning returned int; it must return the network, or None when it "
            "changed net in place.",
        ),
        ("return net.state_dict()", "unlearning returned a state dict; it must return"),
        ("return [net]", "unlearning returned list; it must return the network"),
        (
            "return torch.nn.Linear(3, 10)",
            "unlearning returned another network: it lacks blocks.0.0.weight, "
            "blocks.0.1.bias, blocks.0.1.num_batches_tracked and has weight, bias.",
        ),
        (
            "net.fc = torch.nn.Linear(64, 11)\nreturn net",
            "unlearning returned wrong shapes: fc.bias is [11], not [10].",
        ),
        (
            "net.stem = torch.nn.Identity()\nreturn net",
            "unlearning returned another network: it lacks stem.0.weight,",
        ),
        (
            "from torch.nn.utils import prune\n"
            "prune.l1_unstructured(net.fc, 'weight', 0.5)\nreturn net",
            "unlearning returned another network: it lacks fc.weight and has "
            "fc.weight_orig, fc.weight_mask. Undo pruning with "
            "torch.nn.utils.prune.remove.",
        ),
    ],
)
def test_anything_but_the_network_is_invalid_and_says_what_it_is(
    call_body, body, reason
):
    failure = call_body(body).failure

    assert failure.status == Status.INVALID
    assert failure.reason.startswith(reason)
    assert failure.traceback == ""


def test_a_file_that_takes_its_function_away_again_is_invalid(call):
    failure = call("def unlearning(a, b, c, d): pass\nunlearning = 3").failure

    assert failure.status == Status.INVALID
    assert failure.reason == "unlearning is not a function once the file has run."


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("with torch.no_grad():\n    net.fc.bias.fill_(float('nan'))", "fc.bias"),
        ("with torch.no_grad():\n    net.fc.weight[0, 0] = float('inf')", "fc.weight"),
        ("net.double().fc.bias.data.fill_(1e300)", "fc.bias"),
        ("net.stem[1].running_var.fill_(-1)", "stem.1.running_var"),
    ],
)
def test_weights_that_cannot_be_evaluated_are_non_finite(call_body, body, where):
    failure = call_body(body).failure

    assert failure.status == Status.NON_FINITE
    assert failure.reason == (
        f"it returned weights that are not finite, first in {where}."
    )
