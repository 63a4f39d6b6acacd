"""A submission that names the tasks it is for is run on those alone."""

import pytest

from harness.run.submission import fit_for, read_submission
from harness.status import Status

SOUND = "def unlearning(net, retain, forget, validation):\n    return net\n"


@pytest.mark.parametrize("named", ["('text', 'images')", "('cifar10',)", "'images'"])
def test_the_kind_of_task_or_the_data_set_may_be_named(call, named):
    assert call(f"TASKS = {named}\n{SOUND}").failure is None


def test_another_task_is_refused_in_a_sentence(call):
    report = call(f"TASKS = ('text', 'austen')\n{SOUND}")

    assert report.failure.status == Status.INVALID
    assert report.failure.reason == (
        "it is for tasks of text or austen (TASKS), and the track tiny is of images; "
        "choose another with --track: unlearn-eval tracks lists them."
    )


@pytest.mark.parametrize("named", ["'text'", "('text', 'austen')", "['text']"])
def test_another_task_is_refused_before_anything_runs(write, task, named):
    found = fit_for(read_submission(write(f"TASKS = {named}\n{SOUND}")), task)

    (problem,) = found.problems
    assert problem.startswith("method.py: it is for tasks of text")


@pytest.mark.parametrize("named", ["'images'", "()", "('images',)", "tuple(range(3))"])
def test_what_may_be_for_this_task_is_none(write, task, named):
    found = fit_for(read_submission(write(f"TASKS = {named}\n{SOUND}")), task)

    assert found.problems == ()


@pytest.mark.parametrize("named", ["7", "('text', 7)", "None"])
def test_tasks_that_are_no_names_are_a_problem(write, named):
    (problem,) = read_submission(write(f"TASKS = {named}\n{SOUND}")).problems

    assert problem == 'method.py: TASKS must be names, such as ("text",).'
