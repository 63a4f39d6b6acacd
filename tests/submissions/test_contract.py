"""What holds for every submission that is shipped, whatever its method."""

import ast
import copy
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

ALLOWED = {"torch", "torchvision", "numpy", "scipy"} | set(sys.stdlib_module_names)

RETAIN, FORGET, VALIDATION = "retain", "forget", "validation"
READS = {
    "finetune": {RETAIN},
    "noisy_finetune": {RETAIN},
    "random_mask": {RETAIN},
    "gradient_ascent": {FORGET},
    "fanchuan": {RETAIN, FORGET},
    "kookmin": {RETAIN, FORGET},
    "seif": {RETAIN},
    "sebastian": {RETAIN},
    "amnesiacs": {RETAIN, VALIDATION},
    "sun": {RETAIN},
    "forget_cycles": {RETAIN},
    "conv_transpose": {RETAIN},
    "neggrad_plus": {RETAIN, FORGET},
    "random_labels": {RETAIN, FORGET},
    "salun": {RETAIN, FORGET},
    "scrub": {RETAIN, FORGET},
    "bad_teacher": {RETAIN, FORGET},
    "ssd": {RETAIN, FORGET},
    "fisher_noise": {RETAIN},
    "cf_k": {RETAIN},
    "eu_k": {RETAIN},
    "l1_sparse": {RETAIN},
    "certified_newton": {RETAIN, FORGET, VALIDATION},
}
#: Constants that make a method quick, or do something, on so little data.
SMALL: dict[str, dict[str, float]] = {
    "fisher_noise": {"N_IMAGES": 8},
    "ssd": {"ALPHA": 1.5},
    # One batch of all images would leave the order of a seed nothing to decide.
    "gradient_ascent": {"BATCH_SIZE": 16},
    "fanchuan": {"FORGET_BATCH": 16, "RETAIN_BATCH": 64},
}


def run(bench, submission, **options):
    """Run it with the constants that suit so little data."""
    return bench.run(submission, **options, **SMALL.get(submission.path.stem, {}))


class Ran(NamedTuple):
    """One run of a submission, looked at from several sides."""

    net: nn.Module
    sets: Any
    changed_data: list[str]


@pytest.fixture(scope="session")
def finished() -> dict[Path, Ran]:
    return {}


@pytest.fixture
def ran(submission, bench, finished) -> Ran:
    name = submission.path
    if name not in finished:
        before = {k: (x.clone(), y.clone()) for k, (x, y) in bench.tensors.items()}
        sets = bench.sets()
        net = run(bench, submission, sets=sets, seed=3)
        changed = [
            key
            for key, pair in bench.tensors.items()
            if not all(map(torch.equal, pair, before[key]))
        ]
        finished[name] = Ran(net, sets, changed)
    return finished[name]


def _literals(tree) -> dict[str, object]:
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and node.targets[0].id in ("NAME", "AUTHORS", "URL")
    }


def test_its_name_authors_and_address_can_be_read_without_running_it(submission):
    literals = _literals(submission.tree)

    assert all(isinstance(literals[key], str) for key in ("NAME", "AUTHORS", "URL"))
    assert literals["URL"].startswith("https://")


def test_its_first_line_is_one_sentence_and_it_names_its_source(submission):
    text = ast.get_docstring(submission.tree)

    first, blank, *_ = text.splitlines()
    assert first.endswith(".")
    assert not blank
    own = submission.path.parent.name == "cifar10-cpu"
    track = "For cifar10-cpu:" if own else "Tuned for cifar10-quick"
    for word in ("Source:", "Uses:", "Faithful constants:", track):
        assert word in text


def test_it_imports_nothing_of_the_harness(submission):
    imported = set()
    for node in ast.walk(submission.tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])

    assert imported <= ALLOWED


def test_it_never_seeds_a_generator(submission):
    assert "seed" not in submission.path.read_text().replace("split seed 7", "")


def test_it_returns_the_same_kind_of_network_with_finite_weights(ran, bench):
    wanted, state = bench.original.state_dict(), ran.net.state_dict()

    assert {k: (v.shape, v.dtype) for k, v in state.items()} == {
        k: (v.shape, v.dtype) for k, v in wanted.items()
    }
    assert all(torch.isfinite(v).all() for v in state.values())


def test_its_batch_norms_are_left_in_a_sane_state(ran):
    norms = [m for m in ran.net.modules() if isinstance(m, nn.BatchNorm2d)]

    assert all(m.track_running_stats for m in norms)
    assert all((m.running_var > 0).all() for m in norms)
    assert all(m.momentum == 0.1 for m in norms)


def test_it_leaves_no_hook_and_no_half_built_layer_behind(ran, bench):
    modules = list(ran.net.modules())

    assert [type(m) for m in modules] == [type(m) for m in bench.original.modules()]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in modules)


def test_it_changes_the_weights(ran, bench):
    assert not torch.equal(bench.weights(ran.net), bench.weights(bench.original))


def test_it_reads_the_sets_it_says_it_uses_and_no_other(submission, ran):
    read = {name for name in ran.sets._fields if ran.sets.reads(name)}

    assert read == READS[submission.path.stem]
    text = ast.get_docstring(submission.tree)
    uses = text.partition("Uses:")[2].partition(".")[0]
    assert {word for word in ran.sets._fields if word in uses} == read


def test_it_does_not_change_the_data(ran):
    assert not ran.changed_data


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(
    submission, ran, bench
):
    first = bench.weights(ran.net)
    again, other = (bench.weights(run(bench, submission, seed=seed)) for seed in (3, 4))

    assert torch.equal(first, again)
    assert not torch.allclose(first, other, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("architecture", ["whitened", "resnet18"])
def test_it_runs_on_the_other_tracks_networks(submission, bench, architecture, request):
    original = request.getfixturevalue(architecture)
    sets = bench.sets(batch_size=2, size=2)

    net = run(bench, submission, sets=sets, network=copy.deepcopy(original))

    assert all(torch.isfinite(v).all() for v in net.state_dict().values())
