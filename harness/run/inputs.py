"""What a run is given: the original model and three sets, and nothing secret."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from safetensors.numpy import load_file, save

from harness.models.weights import Array, WeightSpec
from harness.tasks.base import Sets
from harness.tasks.base import Task as AnyTask
from harness.tasks.images.splits import Examples
from harness.track.schema import NetworkSpec, Recipe

_SETS = ("retain", "forget", "validation")


class Task(NamedTuple):
    """Everything the process that runs a submission holds.

    Attributes
    ----------
    network : NetworkSpec
        Architecture of the original model.
    recipe : Recipe
        The track's training recipe, passed to a submission that names it.
    device : str
        ``"cpu"`` or ``"cuda"``.
    original : dict of arrays
        Weights of the original model.
    retain, forget, validation : Examples
        The three sets.
    """

    network: NetworkSpec
    recipe: Recipe
    device: str
    original: dict[str, Array]
    retain: Examples
    forget: Examples
    validation: Examples

    @property
    def weight_spec(self) -> WeightSpec:
        """What must come back."""
        return WeightSpec.of(self.original)


def write_inputs(
    folder: Path, task: AnyTask, sets: Sets, device: str, original: dict[str, Array]
) -> None:
    """Write a task into a folder. The test set is not in it."""
    arrays: dict[str, Array] = {}
    for name in _SETS:
        examples = getattr(sets, name)
        arrays[f"{name}_images"] = examples.inputs
        arrays[f"{name}_targets"] = examples.targets
    folder.mkdir(parents=True, exist_ok=True)
    # Written here and not by safetensors, whose errors do not say what went wrong.
    (folder / "sets.safetensors").write_bytes(save(arrays))
    (folder / "original.safetensors").write_bytes(save(original))
    words = {
        "network": asdict(task.track.network),
        "recipe": asdict(task.track.recipe),
        "device": device,
    }
    (folder / "task.json").write_text(json.dumps(words))


def read_task(folder: Path) -> Task:
    """Read what `write_inputs` wrote."""
    words = json.loads((folder / "task.json").read_text())
    arrays = load_file(folder / "sets.safetensors")
    sets = {
        name: Examples(arrays[f"{name}_images"], arrays[f"{name}_targets"])
        for name in _SETS
    }
    return Task(
        network=NetworkSpec(**words["network"]),
        recipe=Recipe(**words["recipe"]),
        device=words["device"],
        original=load_file(folder / "original.safetensors"),
        **sets,
    )
