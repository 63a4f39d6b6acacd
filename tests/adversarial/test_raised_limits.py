"""Raise the limits that one was given, back to what the template had."""

import pytest

SOURCE = """
import resource

def unlearning(net, retain, forget, validation):
    for name in ("CORE", "DATA", "FSIZE", "NOFILE", "NPROC"):
        number = getattr(resource, "RLIMIT_" + name)
        soft, hard = resource.getrlimit(number)
        for value in (hard + 1, resource.RLIM_INFINITY):
            try:
                resource.setrlimit(number, (value, value))
                print("raised", name)
            except (OSError, ValueError):
                pass
        print(hard != resource.RLIM_INFINITY)
    return net
"""


@pytest.mark.claims("privileges")
def test_every_limit_is_set_and_none_can_be_raised(lab):
    assert lab.said(SOURCE).split() == ["True"] * 5
