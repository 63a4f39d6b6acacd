"""The Python API: what the commands do, with arguments and objects.

Everything here raises `harness.errors.UsageError`, with one sentence that names the
remedy, for arguments that cannot be followed.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from harness.cli.options import (
    chosen_cluster,
    chosen_jobs,
    chosen_track,
    jobs_here,
)
from harness.cli.progress import ProgressListener
from harness.errors import UsageError
from harness.execution.cluster import Scheduler
from harness.leaderboard.table import Request, Table, rank_stored
from harness.metrics.inputs.confidence import confidence_pair
from harness.metrics.official.epsilon import DELTA
from harness.metrics.uncertainty.paired import PairedDifference
from harness.models.outputs import ModelOutputs
from harness.reference.shared import use_bank
from harness.results import schema
from harness.results.card import score_card
from harness.results.lookup import find_result
from harness.results.report.page import Report, html_card
from harness.results.store import MODELS, ResultFolder
from harness.run.entry import read_entry
from harness.run.function_source import source_of
from harness.sandbox import AUTO, choose
from harness.scoring.compare import compare_results
from harness.scoring.estimate import Estimate, estimate_arrays
from harness.scoring.reporting import make_report
from harness.scoring.scorer import scorer_on
from harness.scoring.settings import ScoreSettings
from harness.scoring.stopping import precise, score_until
from harness.scoring.validation import Validation, validate_submission
from harness.storage.files import write_atomic
from harness.storage.mirror import local_folder
from harness.track import find_track

if TYPE_CHECKING:
    import pandas as pd

#: A file, a folder or zip of checkpoints, or a function with the contract's arguments.
Submission = str | Path | Callable[..., Any]
DEFAULT_TRACK = "cifar10-quick"


@dataclass(frozen=True, kw_only=True)
class Result(schema.Result):
    """A result with what backs it.

    Attributes
    ----------
    folder : Path
        Holds ``result.json``, ``models.csv``, ``examples.npz``, the source and what
        the runs printed.
    """

    folder: Path

    def card(self) -> str:
        """Return the score card as the command line prints it."""
        return score_card(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each number: value, interval, ceiling and floor."""
        import pandas as pd  # noqa: PLC0415

        columns = ("value", "low", "high", "ceiling", "floor")
        named = {
            name: {column: getattr(found, column, None) for column in columns}
            for name in schema.Metrics.names()
            if hasattr(found := getattr(self.metrics, name), "value")
        }
        named |= {
            row.name: {"value": row.value, "low": row.low, "high": row.high}
            | {"ceiling": row.null, "floor": None}
            for row in self.metrics.metrics
        }
        frame = pd.DataFrame.from_dict(named, orient="index", columns=list(columns))
        return frame.astype(float).rename_axis("metric")

    def runs(self) -> "pd.DataFrame":
        """Return a row for each run: seed, accuracies, cost, memory."""
        import pandas as pd  # noqa: PLC0415

        return pd.read_csv(self.folder / MODELS)

    def report(
        self,
        path: str | Path | None = None,
        *,
        track: str = "",
        data_dir: str | Path | None = None,
        pictures: bool = True,
    ) -> Report:
        """Make the HTML report, which a notebook shows as it is.

        Parameters
        ----------
        path : str or Path, optional
            File to write it into, too.
        track : str
            File of the track, if it is one of your own.
        data_dir : path, optional
            Where the data lie already.
        pictures : bool
            Show the forget examples, where the data set can be had.
        """
        folder = ResultFolder(self.folder)
        where = None if data_dir is None else Path(data_dir).expanduser()
        made = make_report([folder], track=track, data_dir=where, pictures=pictures)
        if path is not None:
            made.write(Path(path).expanduser())
        return made

    def _repr_html_(self) -> str:
        return html_card(self)


def score(
    submission: Submission,
    *,
    track: str = DEFAULT_TRACK,
    n_models: int | None = None,
    originals: int | None = None,
    precision: float | None = None,
    n_jobs: int | None = None,
    seed: int = 0,
    split_seed: int | None = None,
    device: str | None = None,
    data_dir: str | Path | None = None,
    output: str | Path = "runs",
    bank: str | Path | None = None,
    isolation: str = AUTO,
    force: bool = False,
    progress: bool = True,
    executor: Scheduler = None,
) -> Result:
    """Score one submission, or take its stored result if nothing has changed.

    Interrupted, it goes on where it was when it is called again.

    Parameters
    ----------
    submission : path or function
        A function is run by its source, with the imports, values and helpers that it
        refers to, in the same sandbox as a file.
    track : str
        A track's name, or the path of a TOML file.
    n_models, originals : int, optional
        N, and of how many original models; by default the track's.
    precision : float, optional
        Stop at a smaller N where the interval of the score reaches this share of it.
    n_jobs : int, optional
        Runs at a time; by default one for each core, or for each GPU.
    seed, split_seed : int
        Of the runs, and of a private split.
    device : str, optional
        ``"cpu"``, ``"cuda"``, or one of several GPUs, as ``"cuda:1"``; by default the
        track's.
    data_dir, output : path
        Where the data lie, and where results go: a folder, or a URL such as
        ``"s3://bucket/runs"``.
    bank : str or path, optional
        Folder or URL of reference banks beside the shipped ones; by default the user's
        cache.
    isolation : str
        ``"auto"`` for the strictest level that works here, or a level.
    force, progress : bool
        Do all runs again; show how it goes.
    executor : str or distributed.Client, optional
        Make the runs on a Dask cluster, given its scheduler's address or a client; by
        default on this machine.

    Returns
    -------
    Result
        Also of a submission that did not score: see its ``status`` and ``reason``.
    """
    use_bank(None if bank is None else str(bank))
    settings = _settings(
        track,
        split_seed,
        device,
        n_models=n_models,
        originals=originals,
        n_jobs=n_jobs,
        seed=seed,
        data_dir=data_dir,
        output=output,
        force=force,
        elsewhere=executor is not None,
    )
    with (
        _file_of(submission) as path,
        _listener(progress) as listener,
        chosen_cluster(executor, n_jobs, listener.say) as cluster,
        scorer_on(cluster, settings, listener, isolation) as scorer,
    ):
        if precision is None:
            found = scorer.score(path)
        else:
            found = score_until(scorer, path, precise(precision))
        entry = read_entry(path, found.n_models, scorer.spec)
        folder = scorer.folder_of(entry, found.n_models)
        return Result(**vars(found), folder=folder.path)


def validate(
    submission: Submission,
    *,
    track: str = DEFAULT_TRACK,
    split_seed: int | None = None,
    device: str | None = None,
    data_dir: str | Path | None = None,
    isolation: str = AUTO,
    progress: bool = True,
) -> Validation:
    """Try a submission out in two runs; see ``problems`` and ``notes`` of what returns.

    Parameters are those of `score`.
    """
    settings = _settings(track, split_seed, device, data_dir=data_dir)
    with _file_of(submission) as path, _listener(progress, lines=False) as listener:
        return validate_submission(
            path, settings, listener, isolation=choose(isolation)
        )


def estimate(
    unlearned: ArrayLike, retrained: ArrayLike, *, delta: float = DELTA
) -> Estimate:
    """Compute the metric, with intervals and the literature's, on arrays of anyone.

    Parameters
    ----------
    unlearned, retrained : array_like, shapes [N, S] and [M, S]
        Logit-scaled confidences of N unlearned and M retrained models.
    delta : float
        The δ of (ε, δ)-unlearning.
    """
    pair = confidence_pair(unlearned, retrained)
    models = (ModelOutputs(forget_confidence=confidence) for confidence in pair)
    return estimate_arrays(*models, delta=delta, everything=True)


def compare(
    first: str | Path | Result,
    second: str | Path | Result,
    *,
    track: str = DEFAULT_TRACK,
    output: str | Path = "runs",
) -> PairedDifference:
    """Compare two results: whether the first is better than the second, and how much.

    It is the calibrated score that is compared, where both have one.

    Parameters
    ----------
    first, second : Result, str or path
        What `score` returned, a submission's name, or a result's folder.
    track, output : str and path
        Where results are looked for by name.
    """
    name = find_track(track).name
    folders = [
        ResultFolder(each.folder)
        if isinstance(each, Result)
        else find_result(str(each), _folder(output), name)
        for each in (first, second)
    ]
    return compare_results(*folders).ranked


def leaderboard(
    *,
    track: str = DEFAULT_TRACK,
    output: str | Path = "runs",
    n_jobs: int | None = None,
) -> Table:
    """Rank the stored results of a track; ``.cells`` of what returns is a DataFrame."""
    chosen = chosen_track(track, None, "cpu")
    return rank_stored(Request(_folder(output), chosen, None, chosen_jobs(n_jobs)))


class _Callable(ModuleType):
    """``from harness import leaderboard`` finds the room once that is loaded.

    To call the room is then to call the function.
    """

    def __call__(self, **options: Any) -> Table:
        return leaderboard(**options)


sys.modules[rank_stored.__module__.rpartition(".")[0]].__class__ = _Callable


def _settings(
    track: str,
    split_seed: int | None,
    device: str | None,
    *,
    elsewhere: bool = False,
    **more: Any,
) -> ScoreSettings:
    """Fill in what was left open."""
    chosen = chosen_track(track, split_seed, device, elsewhere=elsewhere)
    n_models = more.pop("n_models", None)
    n_models = chosen.evaluation.n_models if n_models is None else n_models
    if more.get("data_dir") is not None:
        more["data_dir"] = Path(more["data_dir"]).expanduser()
    if "output" in more:
        more["output"] = _folder(more["output"])
    return ScoreSettings(
        track=chosen,
        n_models=n_models,
        n_jobs=jobs_here(
            more.pop("n_jobs", None),
            n_models * (more.get("originals") or chosen.evaluation.originals),
            chosen.device,
            elsewhere=elsewhere,
        ),
        **more,
    )


def _folder(output: str | Path) -> Path:
    """Return the folder of results, or that which stands for a URL."""
    return local_folder(output) if isinstance(output, str) else output.expanduser()


def _listener(progress: bool, *, lines: bool = True) -> ProgressListener:
    return ProgressListener(quiet=not progress, bars=progress, lines=lines)


@contextmanager
def _file_of(submission: Submission) -> Iterator[Path]:
    """Give a submission's path; a function is written to a file for the while."""
    if isinstance(submission, str | Path):
        yield Path(submission).expanduser()
        return
    name = getattr(submission, "__name__", "")
    if not callable(submission) or not name.isidentifier():
        raise UsageError(
            f"{submission!r:.60} is no submission; give a path, or a function with the "
            "arguments net, retain, forget, validation."
        )
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.py")
        write_atomic(path, source_of(submission))
        yield path
