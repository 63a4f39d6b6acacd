"""Submissions as authors of 2023 wrote them, through a real process."""

import importlib.util

import pytest
import torch

from harness.run.messages import missing_module
from harness.run.submission import read_submission
from harness.status import Status

SOUND = "def unlearning(net, retain, forget, validation):\n    return net\n"


def works(report) -> str:
    assert report.failure is None, report.failure
    return report.output


@pytest.mark.parametrize(
    "head",
    [
        "def unlearning(model, retain_loader, forget_loader, val_loader):",
        "def unlearning(model, rl, fl, vl, epochs=3, lr=0.1, *, verbose=False):",
        "def unlearning(a, b, c, d, device='cpu', seed=None, wd=0):",
        "def unlearning(seed, recipe, device, budget_seconds):",
        "def unlearning(a, b, c, d, /, seed=3):",
        "def unlearning(*args, **options):",
        "def unlearning(a, b, *more):",
    ],
)
def test_the_four_are_bound_by_their_place(call, write, head):
    body = "    first = list(locals().values())[0]\n"
    body += "    net = first[0] if isinstance(first, tuple) else first\n"
    source = f"{head}\n{body}    print(net.fc.bias.shape)\n"

    assert read_submission(write(source)).problems == ()
    assert works(call(source)) == "torch.Size([10])\n"


def test_a_call_that_cannot_be_made_says_what_is_passed(call):
    report = call(SOUND + "def f(a): pass\nunlearning = f\n")

    assert report.failure.status == Status.INVALID
    assert "it is passed net, retain, forget, validation" in report.failure.reason
    assert "seed, device, budget_seconds, recipe" in report.failure.reason


def problems_of(write, source):
    return " ".join(read_submission(write(source)).problems)


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (
            "net, net_o, retain, forget, validation",
            "requires 5 arguments (net, net_o, retain, forget, validation); it is "
            "passed four, by their places: net, retain, forget, validation.",
        ),
        (
            "net, retain, forget, LR=0.01",
            "has LR where validation is passed; put it behind the four",
        ),
    ],
)
def test_arguments_in_wrong_places_are_told_so(write, head, wanted):
    assert wanted in problems_of(write, f"def unlearning({head}): pass")


def test_two_arguments_in_the_wrong_order_are_worth_a_note(write):
    """The competition called such functions, too."""
    found = read_submission(write("def unlearning(net, forget_dl, retain_dl, v): pass"))

    assert found.problems == ()
    assert found.notes == (
        "method.py, line 1: unlearning names forget before retain; it is called by "
        "place, in the order net, retain, forget, validation.",
    )


@pytest.mark.parametrize(
    "head", ["net, retain, forget, val=None, lr=1", "net, forget, validation, x=None"]
)
def test_arguments_that_may_be_meant_so_are_accepted(write, head):
    assert problems_of(write, f"def unlearning({head}): pass") == ""


def test_a_fifth_required_one_is_told_what_can_be_passed(write):
    found = problems_of(write, "def unlearning(a, b, c, d, epochs): pass")

    assert "requires epochs, which nobody passes" in found
    assert "seed, device, budget_seconds, recipe. Give others a default." in found


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (
            "def my_method(net, retain, forget, val, lr=1): pass",
            "It defines my_method(): rename it, or add the line unlearning = my_me",
        ),
        (
            "def scrub_it(net, loaders): pass",
            "It defines scrub_it(): rename it",
        ),
        (
            "def show(a, b, c, d): pass\ndef my_unlearning(net, loaders): pass",
            "It defines my_unlearning() and show(): rename the one that you mean, or "
            "add the line unlearning = my_unlearning.",
        ),
        (
            "class Unlearner:\n    def __init__(self): pass\n    def fit(self): pass",
            "It defines the class Unlearner: add def unlearning(net, retain, forget, "
            "validation) that makes one and returns the network of fit.",
        ),
        (
            "class unlearning:\n    pass",
            "unlearning is a class; it must be a function: def unlearning(net,",
        ),
        (
            "class A:\n    def unlearning(self, net, a, b, c): pass",
            "It defines the class A: ",
        ),
    ],
)
def test_what_might_be_meant_is_named(write, source, wanted):
    assert wanted in problems_of(write, source)


BATCHES = """
BATCHES = "dict"
import torch
from torch.utils.data import DataLoader, Subset


def unlearning(net, retain, forget, validation):
    for loader in (retain, forget, validation):
        sample = next(iter(loader))
        image, target = sample["image"], sample["age_group"]
        assert image.shape[0] == target.shape[0] and image.ndim == 4
        assert sorted(sample) == ["age", "age_group", "image", "image_id", "person_id"]
    one = retain.dataset[3]
    assert one["image"].ndim == 3 and int(one["image_id"]) == 3
    again = DataLoader(Subset(forget.dataset, range(10)), batch_size=4, shuffle=True)
    assert [len(each["image"]) for each in again] == [4, 4, 2]
    mine = DataLoader(forget.dataset, batch_size=4, collate_fn=lambda batch: batch[0])
    assert next(iter(mine))["image"].ndim == 3
    torch.nn.functional.cross_entropy(net(image), target).backward()
    print("ok")
"""


@pytest.mark.parametrize("source", [BATCHES, BATCHES.replace('BATCHES = "dict"', "")])
def test_batches_are_dictionaries_where_the_submission_says_so(call, write, source):
    """It says so by a line of its own, or by how it takes image and age group."""
    assert read_submission(write(source)).problems == ()
    assert works(call(source)) == "ok\n"


def test_batches_stay_pairs_where_dictionaries_are_something_else(call):
    body = "    row = {'image': 1, 'age_group': 2}\n    row['image']\n"
    source = SOUND.replace(
        "    return", body + "    x, y = next(iter(retain))\n    return"
    )

    works(call("BATCHES = 'pairs'\n" + source + "    row['age_group']\n"))
    works(call(source))


def test_other_batches_are_a_mistake(write):
    assert 'BATCHES must be "pairs" or "dict"' in problems_of(
        write, "BATCHES = 'list'\n" + SOUND
    )


def test_a_batch_that_is_meant_as_a_dictionary_says_how_to_get_one(call_body):
    report = call_body("next(iter(retain))['image']")

    assert 'the line BATCHES = "dict" makes them dictionaries' in report.failure.reason


@pytest.mark.parametrize("name", ["tqdm", "sklearn", "timm"])
def test_a_package_that_is_not_there_comes_with_its_remedy(
    write, call, monkeypatch, name
):
    known = importlib.util.find_spec
    monkeypatch.setattr(
        "harness.run.contract.find_spec", lambda n: None if n == name else known(n)
    )
    remedy = "[notebooks]" if name != "timm" else "install it where submissions"

    found = problems_of(write, f"import os, {name}.x as y\n" + SOUND)
    assert f"line 1: {name} is not installed" in found
    assert remedy in found
    assert remedy in missing_module(name)
    tried = f"try:\n    import {name}\nexcept ImportError:\n    pass\n"
    assert problems_of(write, tried + SOUND) == ""


def test_a_package_missed_in_a_run_comes_with_its_remedy(call_body):
    report = call_body("import gone_package.part")

    assert "gone_package is not installed here; install it" in report.failure.reason


@pytest.mark.parametrize(
    "line", ["import helper", "from helper import f", "from . import helper"]
)
def test_a_module_beside_the_submission_is_told_how_to_come_along(write, line):
    write("def f(): pass\n", "helper.py")

    found = problems_of(write, f"{line}\n" + SOUND)

    assert "it imports helper, which lies beside it; name this one submission.py" in (
        found
    )


def test_a_neighbour_of_an_installed_modules_name_is_none(write):
    write("", "copy.py")
    write("", "torch.py")

    assert problems_of(write, "import copy, torch\n" + SOUND) == ""


@pytest.mark.parametrize(
    "act", ["torch.load('weights.bin')", "open('/home/me/weights.bin')"]
)
def test_a_file_beside_the_submission_is_told_not_to_come_along(call_body, act):
    reason = call_body(act).failure.reason

    assert "'weights.bin' does not come with the submission, which is at most" in reason


@pytest.mark.parametrize("folder", ["/kaggle/tmp", "/kaggle/working/deeper"])
def test_checkpoints_on_the_competitions_machine_lie_in_scratch_space(
    call_body, folder
):
    body = (
        f"os.makedirs('{folder}', exist_ok=True)\n"
        "for n in range(2):\n"
        f"    torch.save(net.state_dict(), f'{folder}/unlearned_{{n}}.pth')\n"
        f"net.load_state_dict(torch.load('{folder}/unlearned_1.pth'))\n"
        f"print(len(os.listdir('{folder}')), os.path.exists('/kaggle'))\n"
    )

    assert works(call_body(body)) == "2 False\n"


def test_a_state_dict_in_place_of_the_network_is_named(call_body):
    reason = call_body("return net.state_dict()").failure.reason

    assert "unlearning returned a state dict; it must return the network" in reason


def test_thousands_of_lines_and_a_progress_bar_stay_short(call_body):
    body = (
        "for i in range(5000):\n"
        "    sys.stderr.write(f'\\r{i}/5000')\n"
        "print('\\ndone')\n"
    )

    assert sorted(works(call_body(body)).split()) == ["4999/5000", "done"]


def test_a_bar_of_notebooks_is_a_plain_one(call_body):
    pytest.importorskip("tqdm")
    body = "from tqdm.notebook import tqdm, trange\nprint(sum(tqdm([1, 2])), trange)"

    assert "3 <function trange" in works(call_body(body))


def test_a_fifth_argument_may_be_written_in_capitals(call, write):
    source = "def unlearning(net, a, b, c, DEVICE, *, SEED):\n    print(DEVICE, SEED)\n"

    assert read_submission(write(source)).problems == ()
    assert works(call(source)) == "cpu 0\n"


@pytest.mark.parametrize(
    "body",
    [
        "raise RuntimeError('Cannot re-initialize CUDA in forked subprocess')",
        "net.cuda()",
    ],
)
def test_code_that_asks_for_a_gpu_is_told_so(call_body, body):
    assert "it asks for a GPU, and a run has what its" in call_body(body).failure.reason


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has a GPU")
def test_where_no_gpu_is_none_is_said_to_be_there(call_body):
    assert "Cannot re-initialize" not in call_body("net.cuda()").failure.reason


def test_a_sentence_that_ends_ends_once(call_body):
    failure = call_body("raise ValueError('So it ends.')").failure

    assert failure.reason == "it raised ValueError: So it ends."


def test_a_run_does_not_see_what_the_harness_was_called_with(call_body):
    body = "import argparse\nargparse.ArgumentParser().parse_args()\nprint(sys.argv)"

    assert works(call_body(body)) == "['method.py']\n"
