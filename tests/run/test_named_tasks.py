"""A submission that names the tasks it is for is run on those alone."""

import pytest

from harness.status import Status

SOUND = "def unlearning(net, retain, forget, validation):\n    return net\n"


@pytest.mark.parametrize("named", ["('text', 'images')", "('cifar10',)", "'images'"])
def test_the_kind_of_task_or_the_data_set_may_be_named(call, named):
    assert call(f"TASKS = {named}\n{SOUND}").failure is None


def test_another_task_is_refused_in_a_sentence(call):
    report = call(f"TASKS = ('text', 'austen')\n{SOUND}")

    assert report.failure.status == Status.INVALID
    assert report.failure.reason == (
        "it is for tasks of text or austen (TASKS), and the track tiny is of images."
    )
