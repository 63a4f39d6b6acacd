"""A template without torch whose runs are probes."""

import json
import os
from typing import Any

from harness.processes import worker_main
from harness.sandbox.child.confinement import Confinement
from harness.sandbox.child.probes import PROBES
from harness.sandbox.child.supervisor import Supervisor
from harness.sandbox.child.targets import Targets


def main(fd: int, args: list[str]) -> None:
    """Serve probes until the harness has gone; the last argument is the confinement."""
    supervisor = Supervisor(Confinement.from_json(args[1]))
    worker_main(fd, lambda sock: supervisor.serve(sock, _probe))


def _probe(request: dict[str, Any], result: int) -> None:
    targets = Targets(**request["targets"])
    through = {name: list(PROBES[name](targets)) for name in request["probes"]}
    os.write(result, json.dumps(through).encode())
    os._exit(0)
