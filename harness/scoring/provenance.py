"""What a result was made from, so that it can be made again or refused."""

from dataclasses import asdict
from typing import Any

from harness import __version__
from harness.machine import this_machine
from harness.metrics import METRICS_VERSION
from harness.reference import ReferenceBank
from harness.run.calibration import Calibration
from harness.run.entry import Entry
from harness.run.isolation import Isolation
from harness.sandbox import not_enforced_on
from harness.scoring.seeds import secret_name
from harness.scoring.settings import ScoreSettings
from harness.tasks.cifar10 import DATA_HASH


def provenance(
    settings: ScoreSettings,
    bank: ReferenceBank,
    isolation: Isolation,
    calibration: Calibration | None,
) -> dict[str, Any]:
    """Collect hashes, versions, seeds, machine and isolation of a result."""
    return {
        "harness_version": __version__,
        "metrics_version": METRICS_VERSION,
        "track": settings.track.name,
        "track_hash": settings.track.hash,
        "split_seed": settings.track.data.split_seed,
        "data_hash": DATA_HASH,
        "bank_key": bank.key,
        "bank_size": len(bank),
        "delta": settings.track.evaluation.delta,
        "seed": settings.seed,
        "secret_name": secret_name(settings.secret),
        "device": settings.device,
        "n_jobs": settings.n_jobs,
        "retraining_seconds": list(calibration.seconds) if calibration else [],
        "retraining_waited": calibration.waited if calibration else 0.0,
        "machine": asdict(this_machine()),
        "isolation": {
            "level": isolation.level,
            "not_enforced": [
                *isolation.not_enforced,
                *not_enforced_on(settings.device),
            ],
        },
    }


def about_submission(submission: Entry) -> dict[str, Any]:
    """Describe what is scored by what it says of itself."""
    made = {"made": "elsewhere"} if submission.made_elsewhere else {}
    return {
        "name": submission.name,
        "title": submission.title,
        "summary": submission.summary,
        "authors": submission.authors,
        "url": submission.url,
        "sha256": submission.sha256,
        "reference": submission.is_reference,
        **made,
    }
