"""Find tokens and paths of the user in the environment and on the command line."""

import os

SOURCE = """
import os, sys

def unlearning(net, retain, forget, validation):
    print(sorted(os.environ))
    print(open("/proc/self/environ").read())
    print(open("/proc/self/cmdline").read())
    print(sys.argv, sys.path, sys.orig_argv)
    return net
"""


def test_no_variable_of_the_user_reaches_a_run(lab):
    output = lab.said(SOURCE)
    assert lab.canary not in output
    assert "CANARY" not in output
    assert os.environ["CANARY"] == lab.canary


def test_the_home_folder_of_a_run_is_its_scratch_space(lab):
    source = """
import os, tempfile
from pathlib import Path

def unlearning(net, retain, forget, validation):
    print(len({str(Path.home()), os.getcwd(), tempfile.gettempdir()}))
    return net
"""
    assert lab.said(source) == "1\n"
