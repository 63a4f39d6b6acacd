"""Find the task of a track: one that ships, or one of an installed package."""

import difflib
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import resolve_name

from harness.errors import UsageError
from harness.tasks.base import Task
from harness.track.schema import Track

#: Group of entry points by which a package offers a task: ``name = "module:Class"``.
ENTRY_POINTS = "unlearn_eval.tasks"
TaskMaker = Callable[[Track, Path | None], Task]
#: By their names; a process imports the one that it needs.
_SHIPPED = {
    "austen": "harness.tasks.text.austen:AustenTask",
    "cifar10": "harness.tasks.cifar10.task:Cifar10Task",
    "image-folder": "harness.tasks.image_folder.task:ImageFolderTask",
    "text-folder": "harness.tasks.text.task:TextFolderTask",
}


def find_task(track: Track, data_dir: Path | None = None) -> Task:
    """Make the task that a track's ``data.dataset`` names.

    Parameters
    ----------
    track : Track
        Whose data, network and recipe.
    data_dir : Path, optional
        Where the data lie already.

    Raises
    ------
    UsageError
        If there is no such task (the nearest name is suggested), its package cannot be
        imported, or it refuses the track.
    """
    return _maker(track.data.dataset)(track, data_dir)


def task_names() -> list[str]:
    """Names that ``data.dataset`` may have, sorted."""
    return sorted(
        {*_SHIPPED, *(each.name for each in entry_points(group=ENTRY_POINTS))}
    )


def _maker(name: str) -> TaskMaker:
    maker: TaskMaker
    if name in _SHIPPED:
        maker = resolve_name(_SHIPPED[name])
        return maker
    for each in entry_points(group=ENTRY_POINTS, name=name):
        try:
            maker = each.load()
        except Exception as error:  # whatever a stranger's package raises
            raise UsageError(
                f"the task {name!r} of {each.value} cannot be imported ({error}); "
                "install its package again."
            ) from error
        return maker
    near = difflib.get_close_matches(name, task_names(), n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(
        f"data.dataset = {name!r} is unknown: {hint}Known: {', '.join(task_names())}; "
        f"a package adds its own by an entry point of the group {ENTRY_POINTS}."
    )
