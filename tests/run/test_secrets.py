"""The process that runs a submission holds no test image and nothing of the bank."""

import numpy as np

from harness.tasks.images.normalize import normalize

MASK = 0x5A5A5A5A5A5A5A5A

SEARCH = '''
import ctypes
import numpy as np

MASK = np.uint64(%(mask)d)
NEEDLES = %(needles)r


def unlearning(net, retain, forget, validation):
    """Look for masked needles in all of this process's memory."""
    found = [0] * len(NEEDLES)
    for line in open("/proc/self/maps"):
        where, permissions, *_, name = line.split(None, 5) + [""]
        if permissions[:2] != "rw" or "[v" in line:
            continue
        start, end = (int(x, 16) for x in where.split("-"))
        for shift in (0, 4):
            size = (end - start - shift) // 8 * 8
            memory = (ctypes.c_char * size).from_address(start + shift)
            masked = np.frombuffer(memory, np.uint64) ^ MASK
            for i, needle in enumerate(NEEDLES):
                for hit in np.flatnonzero(masked == np.uint64(needle[0])):
                    rest = masked[hit : hit + len(needle)].tolist()
                    found[i] += rest == needle
            del masked
    print(*found)
'''


def needle(array) -> list[int]:
    """The first 32 bytes from the middle on, masked so that it is no hit itself."""
    content = np.ascontiguousarray(array).tobytes()
    start = len(content) // 16 * 8
    words = np.frombuffer(content[start : start + 32], np.uint64)
    return [int(w) ^ MASK for w in words]


def rows(examples, index):
    """A normalised image as it lies in memory, channels last."""
    return normalize(examples.inputs[index : index + 1]).permute(0, 2, 3, 1).numpy()


def test_no_test_image_and_no_output_of_the_bank_is_in_the_memory_of_a_run(
    call, split, bank
):
    known = [
        split.forget.inputs[3],
        split.retain.inputs[3],
        bank.original_weights[0]["fc.weight"],
    ]
    secret = [
        *(rows(split.test, i) for i in (0, 99, 199)),
        *(split.test.inputs[i] for i in (0, 99, 199)),
        bank.retrained.forget_confidence[0],
        bank.retrained.forget_confidence[7],
        bank.original.forget_confidence,
        bank.original.test_confidence,
    ]
    needles = [needle(array) for array in known + secret]

    report = call(SEARCH % {"mask": MASK, "needles": needles})

    assert report.failure is None, report.failure
    found = [int(word) for word in report.output.split()]
    assert min(found[: len(known)]) >= 1  # The search finds what is there.
    assert found[len(known) :] == [0] * len(secret)


def test_nothing_of_the_harness_is_open_in_a_run(call_body):
    body = (
        "for fd in sorted(os.listdir('/proc/self/fd'), key=int):\n"
        "    try: print(fd, os.readlink('/proc/self/fd/' + fd))\n"
        "    except OSError: pass"
    )

    links = [line.split(maxsplit=1) for line in call_body(body).output.splitlines()]

    kinds = {target.partition(":")[0] for fd, target in links if int(fd) > 0}
    assert kinds == {"pipe"}
    assert ["0", "/dev/null"] in links
