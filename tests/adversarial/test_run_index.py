"""Learn which run this is: from numbers that grow from run to run."""

import secrets
from statistics import median

import pytest

from harness.scoring.seeds import run_seeds
from harness.track import find_track

SOURCE = """
import gc, os, sys, tempfile

def unlearning(net, retain, forget, validation):
    print(os.getpid(), os.getppid(), sorted(os.listdir("/proc/self/fd")))
    print(open("/proc/self/cmdline").read(), sorted(os.environ.items()), os.getcwd())
    print(gc.get_count(), gc.get_stats(), gc.get_freeze_count() > 0)
    print(open("/proc/loadavg").read().split()[4], os.listdir(os.getcwd()))
    print(hash("word"), tempfile.gettempdir(), os.getsid(0), os.nice(0))
    return net
"""


@pytest.mark.claims("end", "signals", "traces")
def test_runs_that_differ_in_their_number_alone_look_the_same(lab):
    if not lab.level.means.namespaces:
        pytest.skip("without a PID namespace process numbers grow from run to run")
    looks = {lab.said(SOURCE) for _ in range(4)}
    assert len(looks) == 1


def test_who_does_not_know_the_organizers_seed_cannot_find_its_index():
    """A run knows its own seed, its source and the rule; so the rest must be secret."""
    track, content = find_track("cifar10-quick"), "0123" * 16
    secret = secrets.randbits(63)
    (mine,) = run_seeds(track, content, secret, 1)
    guesses = {s for g in range(64) for s in run_seeds(track, content, g, 64)}
    assert mine not in guesses
    assert mine in run_seeds(track, content, secret, 64)


COUNT = """
import sys

def unlearning(net, retain, forget, validation):
    print(sys.getallocatedblocks())
    return net
"""


def test_nothing_piles_up_in_the_template_from_run_to_run(lab):
    counts = [int(lab.said(COUNT)) for _ in range(84)]
    # Python sets 20 to 30 blocks aside while the supervisor's code is new to it, sooner
    # or later, as busy as the machine is; of one block a run there would be 75.
    assert abs(median(counts[-9:]) - median(counts[:9])) < 40


def test_nothing_in_a_request_tells_the_index_or_the_number_of_runs(lab):
    source = """
def unlearning(net, retain, forget, validation, **options):
    print(sorted(options))
    return net
"""
    assert lab.said(source) == "[]\n"
