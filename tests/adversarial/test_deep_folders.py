"""Leave a tree too deep to remove, or folders that nobody may enter."""

from ast import literal_eval

SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    here = os.open(".", os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d" * 30, dir_fd=here)
        inner = os.open("d" * 30, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.mkdir("closed", 0)
    os.symlink("/", "root")
    os.mkfifo("pipe")
    return net
"""
LOOK = """
import os

def unlearning(net, retain, forget, validation):
    print(os.listdir("."))
    return net
"""


def test_the_next_run_starts_in_a_folder_as_new(lab):
    new = lab.said(LOOK)  # empty, but for the way to a Python that lies below /tmp
    lab.said(SOURCE)
    assert lab.said(LOOK) == new
    assert not {"closed", "root", "pipe", "d" * 30} & set(literal_eval(new))
