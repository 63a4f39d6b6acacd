"""Search the whole process for what the harness knows and other runs were given."""

SECRET_ROOMS = ("metrics", "reference", "scoring", "results", "evaluator", "cli")


def test_a_run_holds_no_part_of_the_harness_that_knows_a_secret(lab):
    source = """
import gc, sys

def unlearning(net, retain, forget, validation):
    rooms = {name.split(".")[1] for name in sys.modules if name.startswith("harness.")}
    print(sorted(rooms))
    arrays = [len(o) for o in gc.get_objects() if type(o).__name__ == "ndarray"]
    print(arrays)
    return net
"""
    rooms, arrays = lab.said(source).splitlines()
    assert not [name for name in SECRET_ROOMS if repr(name) in rooms]
    assert str(len(lab.sets.test.targets)) not in arrays.strip("[]").split(", ")


SCAN = """
def unlearning(net, retain, forget, validation):
    hits = 0
    # The word is put together byte by byte, so that it is nowhere but where it was.
    word = bytes(b ^ 1 for b in VEILED)
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
            hits += content.count(word + word)
    print(hits)
    return net
"""
KEEP = """
def unlearning(net, retain, forget, validation):
    kept = [WORD + WORD for _ in range(1000)]
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
    assert int(unconfined.said(source, VEILED=veiled(word), KEPT=word * 2)) > 0


def test_a_run_finds_nothing_of_the_harness_in_its_memory(lab):
    assert lab.said(SCAN, VEILED=veiled(lab.canary[:16])) == "0\n"
