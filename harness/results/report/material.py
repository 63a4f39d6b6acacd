"""What a report is made of: results, and arrays that are stored with them."""

from dataclasses import dataclass

from harness.metrics.literature.example_table import ExampleRow
from harness.metrics.literature.language import NAMES as LANGUAGE_NAMES
from harness.metrics.uncertainty.paired import PairedDifference
from harness.metrics.uncertainty.sample_size import SampleSizeRow
from harness.models.outputs import Floats
from harness.results.schema import Result
from harness.tasks.base import Shown


@dataclass(frozen=True, eq=False, kw_only=True)
class Confidences:
    """What is known of each of S forget examples, by the score that ranks.

    ``unlearned`` and ``retrained`` are confidences, a row a model; `epsilon` is of each
    example, `retraining` the same of held-out retrained models, if there are enough.
    """

    calibrated: bool
    epsilon: Floats
    retraining: Floats | None
    unlearned: Floats
    retrained: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """One result with what its arrays say; of a failed one there is nothing more.

    `costs` are those of the runs in retrainings, `precision` is the F that ranks
    against the number of models.
    """

    result: Result
    rows: tuple[ExampleRow, ...] = ()
    confidences: Confidences | None = None
    costs: tuple[float, ...] = ()
    precision: tuple[SampleSizeRow, ...] = ()

    @property
    def is_calibrated(self) -> bool:
        """Whether calibrated figures rank."""
        return self.result.metrics.calibrated_forgetting_quality is not None

    @property
    def of_texts(self) -> bool:
        """Whether examples are passages: these alone have metrics of texts."""
        names = {each.name for each in self.result.metrics.metrics}
        return not names.isdisjoint(LANGUAGE_NAMES)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The forget examples as people see them, in order, or `missing`: why not.

    `placed` says whether indices and classes are those of the data set.
    """

    shown: tuple[Shown, ...] = ()
    missing: str = ""
    placed: bool = True


@dataclass(frozen=True, kw_only=True)
class Contents:
    """All that one page shows: one result, or two with their paired differences.

    On a site, `home` is where its board is from here, and `pages` are those of the
    results, which are then not repeated on the page of their difference.
    """

    materials: tuple[Material, ...]
    pictures: Pictures
    differences: tuple[PairedDifference, ...] = ()
    home: str = ""
    pages: tuple[str, ...] = ()
