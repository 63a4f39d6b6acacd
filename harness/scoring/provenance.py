"""What a result was made from, so that it can be made again or refused."""

from harness import __version__
from harness.machine import this_machine
from harness.metrics import METRICS_VERSION
from harness.reference import ReferenceBank
from harness.results.schema import About, Isolation, Provenance
from harness.run.calibration import Calibration
from harness.run.entry import Entry
from harness.sandbox import Sandbox, not_enforced_on
from harness.scoring.seeds import secret_name
from harness.scoring.settings import ScoreSettings


def provenance(
    settings: ScoreSettings,
    bank: ReferenceBank,
    isolation: Sandbox,
    calibration: Calibration | None,
) -> Provenance:
    """Collect hashes, versions, seeds, machine and isolation of a result."""
    missing = (*isolation.not_enforced, *not_enforced_on(settings.device))
    return Provenance(
        harness_version=__version__,
        metrics_version=METRICS_VERSION,
        track=settings.track.name,
        track_hash=settings.track.hash,
        split_seed=settings.track.data.split_seed,
        data_hash=bank.manifest.data_hash,
        bank_key=bank.key,
        bank_size=len(bank),
        delta=settings.track.evaluation.delta,
        seed=settings.seed,
        secret_name=secret_name(settings.secret),
        device=settings.device,
        n_jobs=settings.n_jobs,
        retraining_seconds=tuple(calibration.seconds) if calibration else (),
        retraining_waited=calibration.waited if calibration else 0.0,
        machine=this_machine(),
        isolation=Isolation(level=isolation.level, not_enforced=missing),
    )


def about_submission(entry: Entry) -> About:
    """Describe what is scored by what it says of itself."""
    return About(
        name=entry.name,
        title=entry.title,
        summary=entry.summary,
        authors=entry.authors,
        url=entry.url,
        sha256=entry.sha256,
        reference=entry.is_reference,
        made="elsewhere" if entry.made_elsewhere else None,
    )
