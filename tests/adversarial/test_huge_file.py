"""Make one file that is larger than all scratch space."""

SOURCE = """
import errno, os

def unlearning(net, retain, forget, validation):
    with open("huge", "wb") as file:
        try:
            file.truncate(1 << 40)
        except OSError as error:
            print(errno.errorcode[error.errno])
    return net
"""


def test_a_file_larger_than_the_limit_is_refused(lab):
    assert lab.said(SOURCE) == "EFBIG\n"
