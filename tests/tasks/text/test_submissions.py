"""What code for images is told on a track of texts."""

import pytest

from harness.run.inputs import RUN_SETS, Inputs
from harness.run.inside.call import call_submission, prepare
from harness.run.messages import RunRequest

FOR_IMAGES = """
def unlearning(net, retain, forget, validation):
    next(m for m in net.modules() if type(m).__name__ == "Conv2d").reset_parameters()
"""


@pytest.mark.parametrize(("named", "hinted"), [("", True), ("TASKS = 'text'", False)])
def test_code_for_images_that_fails_is_told_of_what_the_track_is(
    austen, some, network, named, hinted
):
    sets = {name: some[name] for name in RUN_SETS}
    inputs = Inputs(
        austen, "cpu", [{k: v.numpy() for k, v in network.state_dict().items()}], sets
    )

    failure = call_submission(
        RunRequest("method.py", named + FOR_IMAGES, seed=0), prepare(inputs)
    )

    assert failure.reason.startswith("it raised StopIteration")
    assert ("the track is of text" in failure.reason) == hinted


def test_tokens_out_of_range_are_called_that(austen, some, network):
    sets = {name: some[name] for name in RUN_SETS}
    weights = {k: v.numpy() for k, v in network.state_dict().items()}
    body = "    for x, y in forget:\n        net(x + 500)\n"

    failure = call_submission(
        RunRequest("method.py", HEAD + body, seed=0),
        prepare(Inputs(austen, "cpu", [weights], sets)),
    )

    assert "tokens lie below the vocabulary's size" in failure.reason
    assert "images" not in failure.reason


HEAD = "def unlearning(net, retain, forget, validation):\n"
