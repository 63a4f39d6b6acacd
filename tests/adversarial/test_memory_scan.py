"""Search the whole process for what the harness knows and other runs were given."""

from pathlib import Path

import harness

#: What a template has no business with; the other half of the sandbox among it.
SECRET_ROOMS = (
    *("metrics", "evaluator", "reference", "execution", "results", "scoring"),
    *("leaderboard", "cli", "sandbox/host"),
)


def test_a_run_holds_no_part_of_the_harness_that_knows_a_secret(lab):
    source = """
import gc, sys

def unlearning(net, retain, forget, validation):
    print(*(n.replace(".", "/") for n in sys.modules if n.startswith("harness.")))
    gc.unfreeze()
    # The collector does not follow arrays themselves, but what holds them.
    held = [one for o in gc.get_objects() for one in (o, *gc.get_referents(o))]
    pictures = [o for o in held if type(o).__name__ in ("ndarray", "Tensor")]
    print(*{len(o) for o in pictures if o.ndim == 4 and 32 in o.shape[1:]})
    return net
"""
    modules, sizes = (line.split() for line in lab.said(source).splitlines())
    assert "harness/sandbox/child/supervisor" in modules
    for room in SECRET_ROOMS:
        assert (Path(harness.__file__).parent / room).is_dir()
        assert not [name for name in modules if name.startswith(f"harness/{room}")]
    assert str(len(lab.sets.retain.targets)) in sizes
    assert str(len(lab.sets.test.targets)) not in sizes


SCAN = """
def unlearning(net, retain, forget, validation):
    hits = 0
    # The word is never put together here, so that it is nowhere but where it was.
    half = len(VEILED) // 2
    begin, rest = bytes(b ^ 1 for b in VEILED[:half]), VEILED[half:]
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in open("/proc/self/maps"):
            span, mode = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if not mode.startswith("rw") or end - start > 1 << 30:
                continue
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            place = content.find(begin)
            while place >= 0:
                after = content[place + half : place + len(VEILED)]
                hits += bytes(b ^ 1 for b in after) == rest
                place = content.find(begin, place + 1)
    print(hits)
    return net
"""
KEEP = """
def unlearning(net, retain, forget, validation):
    kept = [WORD + str(i) for i in range(1000)]
    print(len(kept))
    return net
"""


def veiled(word: str) -> bytes:
    return bytes(b ^ 1 for b in word.encode())


def test_a_run_finds_no_trace_of_an_earlier_one_in_its_memory(lab):
    word = "an-earlier-submission-wrote-this"
    lab.said(KEEP, WORD=word)
    assert lab.said(SCAN, VEILED=veiled(word)) == "0\n"


def test_the_search_does_find_what_is_there(unconfined):
    source = SCAN.replace("hits = 0", "hits, kept = 0, (KEPT, KEPT.encode())")
    word = "a-word-that-is-kept"
    assert int(unconfined.said(source, VEILED=veiled(word), KEPT=word)) > 0


def test_a_run_finds_nothing_of_the_harness_in_its_memory(lab):
    assert lab.said(SCAN, VEILED=veiled(lab.canary)) == "0\n"
