"""Measure what isolation adds to a run: python tests/isolation/measure_overhead.py.

Calls a submission that returns at once, and one that works for about a second, in turn
at every level and without any, and prints medians; so all see the same load.
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from harness.data import load_cifar10
from harness.data.splits import split_data
from harness.isolation import choose, why_not
from harness.runner.isolation import Isolation, ProcessBoundary
from harness.runner.messages import RunRequest, Usage
from harness.runner.slot import Slot
from harness.runner.task import write_task
from harness.track import find_track
from harness.training.networks import build_network
from harness.weights import WeightSpec

NOTHING = "def unlearning(net, retain, forget, validation):\n    return net\n"
WORK = """
import torch

def unlearning(net, retain, forget, validation):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    net.train()
    for _ in range(2):
        for inputs, targets in retain:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(inputs), targets).backward()
            optimizer.step()
    return net
"""
MEMORY = 8 << 30


def run(slot: Slot, source: str) -> Usage:
    report = slot.run(RunRequest("run.py", source, 1, None, MEMORY), 300.0)
    assert report.failure is None, report.failure
    return report.usage


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    isolations: dict[str, Isolation] = {"process": ProcessBoundary()}
    for level in ("none", "partial", "full"):
        if not why_not(level):
            isolations[level] = choose(level)
    track = find_track("cifar10-quick")
    split = split_data(load_cifar10(), track.data)
    network = build_network(track.network, seed=1)
    original = {k: v.numpy().copy() for k, v in network.state_dict().items()}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_task(folder / "task", track, "cpu", split, original)
        spec = WeightSpec.of(original)
        slots = {
            name: stack.enter_context(Slot(folder / "task", spec, isolation))
            for name, isolation in isolations.items()
        }
        for what, source in (("nothing", NOTHING), ("two epochs", WORK)):
            usages: dict[str, list[Usage]] = {name: [] for name in slots}
            for _ in range(rounds):
                for name, slot in slots.items():
                    usages[name].append(run(slot, source))
            for name, used in usages.items():
                wall = statistics.median(u.wall_seconds for u in used) * 1000
                cpu = statistics.median(u.cpu_seconds for u in used) * 1000
                print(f"{what:<12}{name:<10}{wall:8.1f} ms wall {cpu:8.1f} ms cpu")  # noqa: T201


if __name__ == "__main__":
    main()
