"""What holds for every submission that is shipped, whatever its method."""

import ast
import copy
import sys

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
}
#: Methods without any randomness but rounding: every run is the same model.
DETERMINISTIC = ("ssd",)


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
    for word in ("Source:", "Uses:", "Faithful constants:", "Tuned for cifar10-quick"):
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


def test_it_returns_the_same_kind_of_network_with_finite_weights(submission, bench):
    net = bench.run(submission)

    wanted = bench.original.state_dict()
    state = net.state_dict()
    assert {k: (v.shape, v.dtype) for k, v in state.items()} == {
        k: (v.shape, v.dtype) for k, v in wanted.items()
    }
    assert all(torch.isfinite(v).all() for v in state.values())


def test_its_batch_norms_are_left_in_a_sane_state(submission, bench):
    net = bench.run(submission)

    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(m.track_running_stats for m in norms)
    assert all((m.running_var > 0).all() for m in norms)
    assert all(m.momentum == 0.1 for m in norms)


def test_it_leaves_no_hook_and_no_half_built_layer_behind(submission, bench):
    net = bench.run(submission)

    assert [type(m) for m in net.modules()] == [
        type(m) for m in bench.original.modules()
    ]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_it_changes_the_weights(submission, bench):
    net = bench.run(submission)

    pairs = zip(net.parameters(), bench.original.parameters(), strict=True)
    assert any(not torch.equal(new, old) for new, old in pairs)


def test_it_reads_the_sets_it_says_it_uses_and_no_other(submission, bench):
    sets = bench.sets()
    bench.run(submission, sets=sets)

    read = {name for name in sets._fields if sets.reads(name)}
    assert read == READS[submission.path.stem]
    text = ast.get_docstring(submission.tree)
    uses = text.partition("Uses:")[2].partition(".")[0]
    assert {word for word in sets._fields if word in uses} == read


def test_it_does_not_change_the_data(submission, bench):
    before = {k: (x.clone(), y.clone()) for k, (x, y) in bench.tensors.items()}

    bench.run(submission)

    for name, (inputs, targets) in bench.tensors.items():
        assert torch.equal(inputs, before[name][0])
        assert torch.equal(targets, before[name][1])


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(submission, bench):
    first, again, other = (
        bench.weights(bench.run(submission, seed=seed)) for seed in (3, 3, 4)
    )

    assert torch.equal(first, again)
    same = torch.allclose(first, other, rtol=1e-3, atol=1e-6)
    assert same == (submission.path.stem in DETERMINISTIC)


@pytest.mark.parametrize("architecture", ["resnet9", "resnet18"])
def test_it_runs_on_the_other_tracks_networks(submission, bench, architecture, request):
    original = request.getfixturevalue(architecture)
    sets = bench.sets(batch_size=4, size=4)

    net = bench.run(submission, sets=sets, network=copy.deepcopy(original))

    assert all(torch.isfinite(v).all() for v in net.state_dict().values())
