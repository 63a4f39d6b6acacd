"""Build a bank: train what is missing, keep each model as it comes, pack at the end."""

import os
from collections.abc import Callable, Generator

from harness.processes.lifetime import end_with
from harness.reference.bank import ReferenceBank
from harness.reference.packing import large_enough, only_builder, pack
from harness.reference.parallel import Parallel, delayed, stopped_quietly
from harness.reference.plan import BuildPlan, exchange_finished

Step = Callable[[int], None]
Train = Callable[[BuildPlan, list[int]], Generator[int, None, None]]


def build_bank(
    plan: BuildPlan,
    step: Step,
    say: Callable[[str], None] = lambda text: None,
    train: Train | None = None,
) -> ReferenceBank:
    """Train the missing models, and write the bank into the user's cache.

    It can be killed at any moment and run again: every finished model is kept. Of two
    processes that build the same bank, the second waits, and finds it built. `step` is
    called with the number of finished models as they come, `say` if it must wait.
    `train` makes models, keeps each in its place and yields its index; by default by
    processes here.
    """
    plan.task.sets()  # so that data are fetched once, and missing ones said at once
    found = large_enough(plan)
    if found is None:
        with only_builder(plan, say):
            found = large_enough(plan)
            if found is None:
                _finish(plan, step, train or _train_all)
                return pack(plan)
    step(plan.n_models)
    return found


def _finish(plan: BuildPlan, step: Step, train: Train) -> None:
    """Train what a bank still needs."""
    wanted = [*plan.original_indices, *range(plan.n_models)]
    finished = exchange_finished(plan, wanted)
    missing = [index for index in wanted if index not in finished]
    done = plan.n_models - sum(index >= 0 for index in missing)
    step(done)
    for index in _trained(plan, missing, train):
        if index >= 0:
            done += 1
            step(done)


def build_part(
    plan: BuildPlan, part: range, step: Step, train: Train | None = None
) -> None:
    """Train those models of a bank that are missing in a part of it, and keep each.

    It needs nothing of the other parts, so that each may be made anywhere. The original
    models belong to the part that begins with 0.
    """
    plan.task.sets()
    wanted = [*(plan.original_indices if part.start == 0 else ()), *part]
    finished = exchange_finished(plan, wanted)
    missing = [index for index in wanted if index not in finished]
    done = len(wanted) - len(missing)
    step(done)
    for _ in _trained(plan, missing, train or _train_all):
        done += 1
        step(done)


def _trained(
    plan: BuildPlan, indices: list[int], train: Train
) -> Generator[int, None, None]:
    """Train models, and share each as it comes."""
    with stopped_quietly(train(plan, indices)) as trained:
        for index in trained:
            if plan.shared is not None:
                plan.shared.offer(plan.folder, index)
            yield index


def _train_all(plan: BuildPlan, indices: list[int]) -> Generator[int, None, None]:
    from harness.reference.training import train_and_keep  # noqa: PLC0415 - torch

    parallel = Parallel(
        n_jobs=plan.side_by_side(len(indices)),
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch="2*n_jobs",
        # Worker processes end with this one, however it ends.
        initializer=end_with,
        initargs=(os.getpid(),),
    )
    task = delayed(train_and_keep)
    results: Generator[int, None, None] = parallel(
        task(plan.track, plan.seed, i, plan.data_dir, plan.folder) for i in indices
    )
    return results
