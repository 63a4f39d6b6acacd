"""Options with the same spelling and meaning in every command."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from harness.cli.progress import on_bar
from harness.errors import UsageError
from harness.execution.cluster import Cluster, Scheduler
from harness.machine import (
    available_cores,
    available_memory_bytes,
    gpus_of,
    is_gpu,
    this_machine,
    usual_jobs,
)
from harness.reference.shared import BANK_VARIABLE, use_bank
from harness.sandbox import AUTO, Level
from harness.storage.mirror import local_folder
from harness.track import Track, find_track

#: What a template and its share of an evaluator hold, and the least for a run.
_PROCESS_BYTES = 750_000_000
#: More would take years, and their list alone the memory.
_MOST_MODELS = 100_000


class _Place(click.ParamType):  # type: ignore[type-arg]
    """A folder, or a URL that a folder here stands for."""

    name = "place"

    def convert(
        self,
        value: str | Path,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Bring here what lies at a URL."""
        del param, ctx
        if isinstance(value, Path):
            return value
        return local_folder(value, on_bar(f"fetching {value}"))


track = click.option(
    "--track",
    default="cifar10-quick",
    show_default=True,
    help="A track's name, or a TOML file of your own.",
)
split_seed = click.option(
    "--split-seed",
    type=click.IntRange(min=0),
    help="A private split of the track: its own forget set, originals and bank.",
)
n_models = click.option(
    "-n",
    "--n-models",
    type=click.IntRange(max=_MOST_MODELS),
    help="N, how many models of each original; by default the track's.",
)
originals = click.option(
    "--originals",
    type=click.IntRange(max=_MOST_MODELS),
    help="Original models to make N models from each; by default all of the track's.",
)
n_jobs = click.option(
    "-j",
    "--n-jobs",
    type=int,
    help="Processes at a time; by default one for each core, or for each GPU.",
)
seed = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed."
)
device = click.option(
    "--device",
    metavar="DEVICE",
    help="Where models are made: cpu, cuda, or one of several GPUs, as cuda:1; by "
    "default the track's.",
)
scheduler = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Make models on a Dask cluster, given its scheduler's address, such as "
    "tcp://node1:8786; by default on this machine.",
)
bank = click.option(
    "--bank",
    metavar="PLACE",
    envvar=BANK_VARIABLE,
    expose_value=False,
    callback=lambda context, option, place: use_bank(place),
    help="Folder, or URL such as s3://bucket/banks, of reference banks beside the "
    "shipped ones; by default in the user's cache.",
)
board = click.option(
    "--board",
    type=click.Path(path_type=Path),
    help="Folder of the committed leaderboards; by default submissions/leaderboard.",
)
pictures = click.option(
    "--pictures/--no-pictures",
    default=True,
    help="Show the forget examples, where the data set can be had.",
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    envvar="UNLEARN_EVAL_DATA",
    help="Folder of an existing cifar-10-batches-py.",
)
output = click.option(
    "-o",
    "--output",
    metavar="PLACE",
    type=_Place(),
    default="runs",
    show_default=True,
    help="Folder of the results, or a URL such as s3://bucket/runs.",
)
as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One JSON object on stdout, prose on stderr.",
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Errors alone.")
verbose = click.option(
    "-v", "--verbose", is_flag=True, help="Also the field's other metrics."
)
progress = click.option(
    "--progress/--no-progress",
    default=True,
    help="Show progress on stderr (never off a terminal).",
)
isolation = click.option(
    "--isolation",
    type=click.Choice((AUTO, *map(str, Level))),
    default=AUTO,
    show_default=True,
    help="How runs are kept apart; auto is the strictest that works here.",
)


def echo_json(content: object) -> None:
    """Print what ``--json`` asks for."""
    click.echo(json.dumps(content, indent=2, allow_nan=False))


def chosen_jobs(
    n_jobs: int | None, n_tasks: int | None = None, device: str = "cpu"
) -> int:
    """Return how many processes to use: no more than the free memory allows.

    Where it is known for how many tasks, no more than those or than cores either. On
    GPUs one on each: by the clock, neighbours would cost each other time.
    """
    usual = usual_jobs(device) if is_gpu(device) else available_cores()
    if n_jobs is None:
        return usual
    if n_jobs < 1:
        raise UsageError(
            f"--n-jobs {n_jobs} is too few: at least 1; this machine has "
            f"{available_cores()} cores."
        )
    if is_gpu(device) and n_jobs > usual:
        click.echo(
            f"--n-jobs {n_jobs} is more than one run on each GPU of {device}: "
            f"{usual} at a time, for on a GPU the clock is the cost.",
            err=True,
        )
        return usual
    most = max(available_cores(), available_memory_bytes() // _PROCESS_BYTES)
    if n_jobs > most:
        click.echo(
            f"--n-jobs {n_jobs} is more than this machine's free memory allows; "
            f"{most} are used. A process for runs takes about 0.75 GB.",
            err=True,
        )
    useful = n_jobs if n_tasks is None else max(n_tasks, available_cores())
    return min(n_jobs, most, useful)


def jobs_here(n_jobs: int | None, n_tasks: int, device: str, *, elsewhere: bool) -> int:
    """Return how many processes to use here: of a cluster, its workers say it."""
    return 1 if elsewhere else chosen_jobs(n_jobs, n_tasks, device)


@contextmanager
def chosen_cluster(
    scheduler: Scheduler, n_jobs: int | None, say: Callable[[str], None]
) -> Iterator[Cluster | None]:
    """Connect to a cluster for a while, if one was asked for."""
    if scheduler is None:
        yield None
        return
    if n_jobs is not None:
        raise UsageError(
            "--n-jobs is for this machine, and a cluster does as much at a time as it "
            "has workers; leave it out, or leave out --scheduler."
        )
    with Cluster(scheduler, say) as cluster:
        yield cluster


def chosen_track(
    name: str, split_seed: int | None, device: str | None, *, elsewhere: bool = False
) -> Track:
    """Find the track, on the device that was asked for, and check that it is here.

    What is made `elsewhere` needs no device here.
    """
    found = find_track(name, split_seed=split_seed)
    if device is not None and device != found.device:
        words = f"{found.options} --device {device}"
        found = replace(found, device=device, options=words)
    if elsewhere:
        return found
    if is_gpu(found.device) and not this_machine().gpu:
        what, remedy = f"the track {found.name}", "--track cifar10-quick, or "
        if device is not None:
            what, remedy = f"--device {device}", ""
        raise UsageError(
            f"{what} needs a CUDA GPU and this machine shows none; choose {remedy}"
            "--device cpu, on which the same takes many times as long."
        )
    if is_gpu(found.device) and not gpus_of(found.device):
        raise UsageError(
            f"--device {found.device} is not here: this process may use "
            f"{len(gpus_of('cuda'))} GPUs, counted from cuda:0."
        )
    return found
