"""Print escape sequences, and lines that look like the harness's own."""

SOURCE = """
import os

def unlearning(net, retain, forget, validation):
    print("\\x1b[2J\\x1b]0;title\\x07 50%\\rscore 1.0")
    print('{"score": 1.0}')
    print("::set-output name=score::1.0")
    os.write(1, b"\\xff\\xfe\\x00\\x9b31m")
    print("\\u202e\\u2028\\u0085")
    return net
"""


def test_control_characters_are_shown_and_not_obeyed(lab):
    output = lab.said(SOURCE)
    assert "\\x1b[2J\\x1b]0;title\\x07 50%\\rscore 1.0" in output
    assert all(c.isprintable() or c == "\n" for c in output)


def test_no_printed_line_becomes_part_of_a_result(lab):
    report = lab.call(SOURCE)
    assert report.extra == {}
    assert report.weights == lab.spec.pack(lab.original)
