"""Type commands into the terminal of whoever started the harness."""

SOURCE = """
import fcntl, os, termios

def unlearning(net, retain, forget, validation):
    try:
        os.open("/dev/tty", os.O_RDWR)
        print("opened the terminal")
    except OSError:
        pass
    for fd in (0, 1, 2):
        try:
            fcntl.ioctl(fd, termios.TIOCSTI, b"x")
            print("typed")
        except OSError:
            pass
    print(os.getpgid(0) == os.getpid(), repr(os.read(0, 10)))
    return net
"""


def test_a_run_has_no_terminal_and_no_input(lab):
    assert lab.said(SOURCE) == "True b''\n"
