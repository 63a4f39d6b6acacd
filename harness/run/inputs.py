"""What a run, and an evaluator, are given: files of a track, weights and sets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from safetensors.numpy import load_file, save

from harness.models.weights import Array, stack_weights, unstack_weights
from harness.tasks.base import Examples, Sets, Task
from harness.tasks.registry import find_task
from harness.track.parsing import build_track
from harness.track.transfer import public_track, track_document

#: What a run sees, in the order of its arguments. The test set is not among it.
RUN_SETS = ("retain", "forget", "validation")


class Inputs(NamedTuple):
    """What the process that runs a submission, or evaluates its models, holds.

    The task is made from the public part of the track: no split seed is in it. Each run
    starts from one of the `originals`, the weights of the original models.
    """

    task: Task
    device: str
    originals: list[dict[str, Array]]
    sets: dict[str, Examples]

    @property
    def on_gpu(self) -> bool:
        """Whether runs compute on a GPU; of several they see one, without a number."""
        return self.device == "cuda"


def write_inputs(
    folder: Path,
    task: Task,
    device: str,
    originals: Sequence[Mapping[str, Array]],
    sets: Mapping[str, Examples],
) -> None:
    """Write inputs into a folder, with those sets alone that are given."""
    arrays: dict[str, Array] = {}
    for name, examples in sets.items():
        arrays |= {f"{name}_{key}": a for key, a in examples._asdict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    # Written here and not by safetensors, whose errors do not say what went wrong.
    (folder / "sets.safetensors").write_bytes(save(arrays))
    (folder / "originals.safetensors").write_bytes(save(stack_weights(originals)))
    track = public_track(task.track)
    content = {"track": track_document(track), "folder": track.folder, "device": device}
    (folder / "inputs.json").write_text(json.dumps(content))


def read_inputs(folder: Path) -> Inputs:
    """Read what `write_inputs` wrote."""
    content = json.loads((folder / "inputs.json").read_text())
    arrays = load_file(folder / "sets.safetensors")
    names = dict.fromkeys(name.rpartition("_")[0] for name in arrays)
    track = build_track(content["track"], content["folder"])
    return Inputs(
        task=find_task(track),
        device=content["device"],
        originals=unstack_weights(load_file(folder / "originals.safetensors")),
        sets={
            n: Examples(arrays[f"{n}_inputs"], arrays[f"{n}_targets"]) for n in names
        },
    )


def sets_named(sets: Sets, names: tuple[str, ...]) -> dict[str, Examples]:
    """Choose some of the sets."""
    return {name: getattr(sets, name) for name in names}
