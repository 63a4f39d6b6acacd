"""Read the bank, the cache, the test set, a canary: what is not on the allow-list."""

import pytest

from harness.storage.cache import cache_root
from harness.storage.shipped import shipped_submissions, shipped_tracks

SOURCE = """
import os
from pathlib import Path

def unlearning(net, retain, forget, validation):
    for path in map(Path, PATHS):
        try:
            print("got", list(path.iterdir()) if path.is_dir() else path.read_bytes())
        except OSError as error:
            print("refused")
    return net
"""


def targets(lab):
    task = lab.folder / "task"
    sets = lab.folder / "sets"
    sets.mkdir(exist_ok=True)
    (sets / "sets.safetensors").write_text(lab.canary)
    return [
        lab.canary_file,
        lab.folder,
        sets / "sets.safetensors",
        cache_root(),
        shipped_tracks(),
        shipped_tracks() / "cifar10-quick",
        shipped_submissions(),
        task.parent.parent,
        "/var/log",
        "/etc/passwd",
        "/etc/shadow",
        "/home",
    ]


@pytest.mark.claims("files")
def test_no_file_of_the_harness_or_of_the_user_can_be_read(lab):
    paths = [str(path) for path in targets(lab)]
    output = lab.said(SOURCE, PATHS=paths)
    assert lab.canary not in output
    assert output.split() == ["refused"] * len(paths)


def test_without_a_sandbox_the_canary_is_read(unconfined):
    output = unconfined.said(SOURCE, PATHS=[str(unconfined.canary_file)])
    assert unconfined.canary in output
