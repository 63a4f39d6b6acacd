"""Kill a scoring, or the build of a bank, at random moments, and look at what is left.

    python -m scripts.kill_campaign score --kills 100
    python -m scripts.kill_campaign bank --kills 100
    python -m scripts.kill_campaign cluster --kills 20

A small command is started, killed (SIGKILL) at a moment drawn evenly from the life of
an unkilled one, and started again, until that many kills were survived. After each: no
process of it lives, no finished work has gone or is done again, every file is whole.
Each time the command comes to its end: the numbers are those of the unkilled one to the
bit, and nothing else is left. On a cluster it is the workers that are killed, and the
command comes to its end in spite of it, with the numbers of one on this machine.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

from scripts.kills.building import Building
from scripts.kills.cluster import Cluster
from scripts.kills.place import Place
from scripts.kills.scoring import Scoring
from scripts.kills.work import Work, require_same

#: What may be killed.
WORKS = {"score": Scoring, "bank": Building, "cluster": Cluster}


def run_campaign(work: Work, kills: int, seed: int) -> str:
    """Kill and look until enough kills were survived.

    Parameters
    ----------
    work : Work
        What is killed.
    kills : int
        How often.
    seed : int
        Of the moments.

    Returns
    -------
    str
        One line with the counts.

    Raises
    ------
    Lost
        If anything is not as it should be.
    """
    began = time.monotonic()
    life, control = work.unkilled()
    draw, survived, ends = random.Random(seed), 0, 0
    moments = iter(lambda: draw.uniform(0, life), None)
    work.clear()
    while survived < kills or not ends:
        struck, ended = work.one_life(moments, kills - survived)
        work.look()
        survived += struck
        if ended:
            require_same(work.finished(), control)
            work.place.require_clean()
            work.clear()
            ends += 1
    name, minutes = type(work).__name__.lower(), (time.monotonic() - began) / 60
    return (
        f"{name}: {survived} kills survived (seed {seed}, {minutes:.1f} min); "
        f"{ends} came to an end with the numbers of the unkilled one to the bit; "
        f"{work.repetitions()}0 finished ones lost or done again; "
        "0 files half-written; "
        "0 processes, temporary files and shared memory left."
    )


def main() -> None:
    """Run a campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=[*WORKS])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder).resolve() / "campaign")
        print(run_campaign(WORKS[args.what](place), args.kills, args.seed))


if __name__ == "__main__":
    main()
