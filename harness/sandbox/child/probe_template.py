"""A template without torch whose runs are probes."""

import json
import os
import socket
from typing import Any

from harness.processes import worker_main
from harness.sandbox.child.confinement import Confinement
from harness.sandbox.child.probes import PROBES, Targets
from harness.sandbox.child.supervisor import Warden


def main(fd: int, args: list[str]) -> None:
    """Serve probes until the harness has gone.

    Parameters
    ----------
    fd : int
        Socket to the harness.
    args : list of str
        A folder, as a template of runs has it, and the confinement.
    """
    warden = Warden(Confinement.from_json(args[1]))

    def serve(sock: socket.socket) -> None:
        warden.serve(sock, _probe)

    worker_main(fd, serve)


def _probe(request: dict[str, Any], result: int) -> None:
    targets = Targets(**request["targets"])
    through = {name: list(PROBES[name](targets)) for name in request["probes"]}
    os.write(result, json.dumps(through).encode())
    os._exit(0)
