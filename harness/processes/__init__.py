"""Start, talk to and end the processes that need torch."""

from harness.processes.worker import WorkerDied, WorkerProcess, worker_main

__all__ = ["WorkerDied", "WorkerProcess", "worker_main"]
