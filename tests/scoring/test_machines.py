"""Runs of several machines in one result: each is held against its own machine."""

import shutil
import statistics
from dataclasses import replace

from harness.machine import named_machine
from harness.results.card import score_card
from harness.results.store import ResultFolder, read_examples


def test_a_scoring_that_a_cluster_began_is_finished_here(desk, method):
    alone = desk.score(method)
    path = desk.folder()
    made_here = read_examples(path)
    shutil.rmtree(path)
    desk.repeated()
    there = {"machine": "n7: another one", "arithmetic": "other"}
    for run, seconds in zip(made_here[:2], [(8.0, 9.0), (10.0,)], strict=True):
        kept = replace(run, **there, retraining_seconds=seconds, cpu_seconds=1.8)
        ResultFolder(path).keep_run(kept, "")

    result = desk.score(method)

    assert desk.repeated() == [2, 3]
    assert result.metrics.score == alone.metrics.score
    machines = {one.name: one for one in result.provenance.machines}
    other, here = machines[there["machine"]], machines[named_machine()]
    assert len(machines) == 2
    assert (other.n_runs, here.n_runs) == (2, 2)
    assert other.retraining_seconds == (8.0, 9.0, 10.0)
    assert here.retraining_seconds == alone.provenance.retraining_seconds
    runs = read_examples(path)
    assert [run.machine for run in runs] == [there["machine"]] * 2 + [here.name] * 2
    own = statistics.median(here.retraining_seconds)
    ratios = [1.8 / 9.0] * 2 + [run.cpu_seconds / own for run in runs[2:]]
    assert result.metrics.efficiency.ratio == statistics.median(ratios)
    assert "Their arithmetic differs" in score_card(result)
