"""A competition's bundle as Codabench takes it, of version 2.

What its ``competition.yaml`` must have is in the project's own documentation of the
format, and in the unpacker that reads it.
"""

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Template
from PIL import Image, ImageDraw

from harness.competition.setup import bank_of, new_setup, write_setup
from harness.errors import UsageError
from harness.sandbox import AUTO
from harness.storage.files import make_folder, to_json, write_atomic
from harness.storage.shipped import shipped_submissions, shipped_tracks
from harness.track import find_track

#: Where the platform's worker puts the folders of a step.
INGEST = (
    "unlearn-eval bundle ingest --data /app/input_data "
    "--submission /app/ingested_program --output /app/output"
)
RATE = (
    "unlearn-eval bundle rate --reference /app/input/ref --received /app/input/res "
    "--output /app/output"
)
SAMPLES = ("finetune", "noisy_finetune", "random_labels")
PAGES = ("overview", "evaluation", "submissions")
COLUMNS = (
    ("score", "Score", "desc"),
    ("official_score", "Official score", "desc"),
    ("forgetting_quality", "Official F", "desc"),
    ("retain_accuracy", "Retain accuracy", "desc"),
    ("test_accuracy", "Test accuracy", "desc"),
    ("cost", "Cost (retrainings)", "asc"),
)


@dataclass(frozen=True, kw_only=True)
class Competition:
    """What an organizer decides.

    The public phase has the track's own split if no seed is given; the private one
    follows it the day after, and takes over the submissions.
    """

    track: str
    private_seed: int
    public_seed: int | None = None
    n_models: int | None = None
    title: str = "Machine unlearning"
    image: str = "unlearn-eval:latest"
    start: date
    public_days: int = 60
    time_limit: int = 3600
    isolation: str = AUTO


def write_bundle(folder: Path, plan: Competition) -> Path:
    """Write a bundle's folder, and beside it the zip to upload, which is returned.

    Raises
    ------
    UsageError
        If both phases have one split, or a bank is not built.
    """
    public = find_track(plan.track, split_seed=plan.public_seed)
    private = find_track(plan.track, split_seed=plan.private_seed)
    if public.data.split_seed == private.data.split_seed:
        raise UsageError(
            f"both phases have the split seed {plan.private_seed}; what participants "
            "have tuned on decides nothing: choose another --private-split-seed."
        )
    n_models = plan.n_models or public.evaluation.n_models
    banks = [bank_of(track, n_models) for track in (public, private)]
    source = Path(plan.track)
    if not source.is_file():
        source = shipped_tracks() / plan.track / "track.toml"
    for name, track, bank in zip(_PHASES, (public, private), banks, strict=True):
        setup = new_setup(track.data.split_seed, n_models, plan.isolation)
        for kind in ("input_data", "reference_data"):
            write_setup(folder / name / kind, setup, source, bank)
    _write_programs(folder)
    _write_samples(folder)
    cap = f"{public.evaluation.cap:.2f}"
    words = {
        "track": public.name,
        "n_models": str(n_models),
        "originals": str(public.evaluation.originals),
        "cap": cap,
    }
    _write_pages(folder, words)
    # JSON is YAML.
    write_atomic(folder / "competition.yaml", to_json(_document(plan)))
    return Path(shutil.make_archive(str(folder), "zip", folder))


_PHASES = ("public", "private")


def _document(plan: Competition) -> dict[str, Any]:
    """Return what is written as ``competition.yaml``."""
    last = plan.start + timedelta(days=plan.public_days)
    times = ((plan.start, last), (last + timedelta(days=1), None))
    return {
        "version": 2,
        "title": plan.title,
        "description": "Forget a part of the training set as if it had never been.",
        "image": "logo.png",
        "terms": "pages/terms.md",
        "docker_image": plan.image,
        "make_programs_available": True,
        "make_input_data_available": False,
        "enable_detailed_results": True,
        "pages": [{"title": p.capitalize(), "file": f"pages/{p}.md"} for p in PAGES],
        "tasks": [_task(index, name) for index, name in enumerate(_PHASES)],
        "solutions": [
            {"index": index, "path": f"solutions/{name}", "tasks": [0]}
            for index, name in enumerate(SAMPLES)
        ],
        "phases": [_phase(plan, index, *each) for index, each in enumerate(times)],
        "leaderboards": [
            {
                "title": "Results",
                "key": "main",
                "submission_rule": "Force_Last",
                "columns": [
                    _column(index, *column) for index, column in enumerate(COLUMNS)
                ],
            }
        ],
    }


def _task(index: int, name: str) -> dict[str, Any]:
    return {
        "index": index,
        "name": f"{name.capitalize()} split",
        "description": f"The {name} split of the track.",
        "ingestion_program": "ingestion_program",
        "scoring_program": "scoring_program",
        "input_data": f"{name}/input_data",
        "reference_data": f"{name}/reference_data",
    }


def _phase(
    plan: Competition, index: int, start: date, end: date | None
) -> dict[str, Any]:
    """Write a phase; of the private one participants see the scores alone."""
    name, is_private = _PHASES[index], index == 1
    found: dict[str, Any] = {
        "index": index,
        "name": f"{name.capitalize()} phase",
        "description": f"Submissions are scored on the {name} split.",
        "start": f"{start} 00:00:00",
        "tasks": [index],
        "starting_kit": "starting_kit",
        "execution_time_limit": plan.time_limit,
        "max_submissions_per_day": 5,
        "hide_output": is_private,
        "hide_prediction_output": is_private,
        "hide_score_output": is_private,
    }
    if end is not None:
        found["end"] = f"{end} 00:00:00"
    if is_private:
        found["auto_migrate_to_this_phase"] = True
    return found


def _column(index: int, key: str, title: str, sorting: str) -> dict[str, Any]:
    return {
        "index": index,
        "key": key,
        "title": title,
        "sorting": sorting,
        "precision": 4,
    }


def _write_programs(folder: Path) -> None:
    """The programs are commands of the package, which is in the image."""
    for name, command in (("ingestion", INGEST), ("scoring", RATE)):
        path = folder / f"{name}_program" / "metadata.yaml"
        write_atomic(path, f"command: {command}\n")


def _write_samples(folder: Path) -> None:
    """Write sample submissions, as participants send them, and the starting kit."""
    for name in SAMPLES:
        source = (shipped_submissions() / f"{name}.py").read_bytes()
        write_atomic(folder / "solutions" / name / "submission.py", source)
        # Without one the worker takes the files for results, and runs nothing.
        write_atomic(folder / "solutions" / name / "metadata.yaml", "{}\n")
    kit, sample = folder / "starting_kit", folder / "solutions" / SAMPLES[0]
    for path in sorted(sample.iterdir()):
        write_atomic(kit / path.name, path.read_bytes())


def _write_pages(folder: Path, words: dict[str, str]) -> None:
    texts = files("harness.competition").joinpath("pages")
    for page in (*PAGES, "terms"):
        text = texts.joinpath(f"{page}.md").read_text("utf-8")
        filled = Template(text, keep_trailing_newline=True).render(words)
        write_atomic(folder / "pages" / f"{page}.md", filled)
    write_atomic(
        folder / "starting_kit" / "README.md",
        texts.joinpath("submissions.md").read_text("utf-8"),
    )
    image = Image.new("RGB", (256, 256), "#1b3a57")
    draw = ImageDraw.Draw(image)
    draw.ellipse((48, 48, 208, 208), fill="#f2f2f2")
    draw.pieslice((48, 48, 208, 208), -90, -30, fill="#1b3a57")  # what is forgotten
    make_folder(folder)
    image.save(folder / "logo.png")
