"""What stopping early would have saved on real results: runs and CPU seconds.

    python -m scripts.stopping submissions/leaderboard [--precision .1 .2 .3]

Each complete result is looked at with a quarter, half and all of its models, as
``score --precision`` looks at a submission while it is scored.
"""

import argparse
from pathlib import Path

from harness.leaderboard.stored import read_one
from harness.models.records import RunRecord
from harness.reference import find_bank
from harness.results.store import EXAMPLES, RESULT, read_examples
from harness.scoring.originals import measure_runs
from harness.scoring.reference import Reference
from harness.scoring.stopping import half_width, looks
from harness.tasks.registry import find_task
from harness.track import find_track


def widths(
    runs: list[RunRecord], references: dict[int, Reference], originals: int
) -> dict[int, float]:
    """Return the relative half-width of the ranked score's interval at each look."""
    found = {}
    for n, reference in references.items():
        measured = measure_runs(runs[: n * originals], reference)
        found[n] = half_width((measured.calibrated or measured).score)
    return found


def main() -> None:
    """Print a row a result, and what would have been saved in all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--track", default="cifar10-quick")
    parser.add_argument("--precision", type=float, nargs="+", default=[0.1, 0.2, 0.3])
    options = parser.parse_args()
    track = find_track(options.track)
    bank = find_bank(find_task(track), at_least=track.evaluation.n_models)
    sizes, delta = looks(track.evaluation.n_models), track.evaluation.delta
    references = {n: Reference.of_bank(bank, n, delta) for n in sizes}
    headings = "".join(f"{f'N = {n}':>9}" for n in sizes)
    print(f"{'submission':24}{'runs':>6}{'CPU s':>8}{headings}   ends at (precision)")
    saved = dict.fromkeys(options.precision, (0.0, 0.0))
    total = (0.0, 0.0)
    for path in sorted((options.results / track.name).glob(f"*/*/{RESULT}")):
        stored = read_one(path.parent)
        if not stored.is_measured or not (path.parent / EXAMPLES).is_file():
            continue
        runs = read_examples(path.parent)
        originals = stored.result.provenance.originals
        at = widths(runs, references, originals)
        spent = {n: sum(r.cpu_seconds for r in runs[: n * originals]) for n in sizes}
        whole = float(len(runs)), spent[sizes[-1]]
        total = total[0] + whole[0], total[1] + whole[1]
        ends = {}
        for p in options.precision:
            n = next((n for n in sizes if at[n] <= p), sizes[-1])
            ends[p] = n
            gained = whole[0] - n * originals, whole[1] - spent[n]
            saved[p] = saved[p][0] + gained[0], saved[p][1] + gained[1]
        cells = "".join(f"{at[n]:9.1%}" for n in sizes)
        words = ", ".join(f"{n} ({p})" for p, n in ends.items())
        print(f"{stored.name:24}{len(runs):6d}{whole[1]:8.1f}{cells}   {words}")
    for p, (n_runs, seconds) in saved.items():
        print(
            f"precision {p}: {n_runs:.0f} of {total[0]:.0f} runs and {seconds:.0f} of "
            f"{total[1]:.0f} CPU s saved"
        )


if __name__ == "__main__":
    main()
