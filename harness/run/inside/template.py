"""The template: has imported torch, holds the inputs, and forks once for each run.

An import of torch takes a second, a fork of a process that has it takes milliseconds.
The template holds no test set, no bank, and nothing of the score. It runs no code of a
submission: that happens in the forked child, which ends with the run.
"""

import json
import os
from base64 import b64decode
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from harness.processes import worker_main
from harness.run.inputs import read_inputs
from harness.run.inside.call import Prepared, call_submission, leave, prepare
from harness.run.inside.checkpoint_reading import read_checkpoint
from harness.run.messages import (
    BEGUN,
    CHECKPOINT,
    FAILURE,
    WEIGHTS,
    Failure,
    RunRequest,
)
from harness.sandbox.child.confinement import Confinement
from harness.sandbox.child.supervisor import Supervisor
from harness.sandbox.child.tensor_passing import pass_tensors_by_value
from harness.status import Status


def main(fd: int, args: list[str]) -> None:
    """Serve runs until the harness has gone.

    The arguments are the folder of the inputs, and what runs are confined to.
    """
    torch.set_num_threads(1)
    prepared = prepare(read_inputs(Path(args[0])))
    confinement = Confinement.from_json(args[1])
    if confinement.connects_nowhere:
        pass_tensors_by_value()
    supervisor = Supervisor(confinement)

    run = partial(_run, prepared=prepared)
    worker_main(fd, lambda sock: supervisor.serve(sock, run))
    leave(0)


def _run(words: dict[str, Any], result: int, prepared: Prepared) -> None:
    """Call the submission or read the checkpoint, write what came of it, and end.

    On a GPU, where the clock is the cost, it is told first that the run begins.
    """
    if prepared.inputs.on_gpu:
        prepared = _begin(result, prepared)
    if CHECKPOINT in words:
        content = b64decode(words.pop(CHECKPOINT))
        outcome = read_checkpoint(content, prepared.spec)
    else:
        outcome = call_submission(RunRequest(**words), prepared)
    _write_all(result, _frame(outcome))
    leave(0)


def _begin(result: int, prepared: Prepared) -> Prepared:
    """Move to the GPU and say so, before there is anything of the submission's."""
    try:
        moved = prepared.moved()
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        _write_all(result, _frame(Failure(Status.HARNESS_ERROR, words)))
        leave(1)
    _write_all(result, BEGUN)
    return moved


def _frame(outcome: bytes | Failure) -> bytes:
    if isinstance(outcome, Failure):
        return FAILURE + json.dumps(asdict(outcome)).encode()
    return WEIGHTS + outcome


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
