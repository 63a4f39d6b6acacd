"""Kill or stop the template, so that a run whose draw looks bad is drawn again."""

from dataclasses import replace

import pytest

from harness.run.worker import RunWorker
from harness.sandbox import Level, choose
from harness.status import Status

SOURCE = """
import os, signal

def unlearning(net, retain, forget, validation):
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()
"""


@pytest.fixture
def own_lab(unconfined):
    """A worker for this test alone: its template does die."""
    parts = (unconfined.folder / "task", unconfined.spec, choose(Level.NONE))
    with RunWorker(*parts) as worker:
        yield replace(unconfined, worker=worker)


def test_where_nothing_guards_the_template_its_death_is_the_runs_failure(own_lab):
    report = own_lab.call(SOURCE, limit_seconds=10)
    assert report.failure.status is Status.ERROR
    assert "died during the run" in report.failure.reason
    own_lab.assert_unharmed()
