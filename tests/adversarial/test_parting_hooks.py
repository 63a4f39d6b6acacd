"""Hook into the end of the process, after the result has been written."""

SOURCE = """
import atexit, os, signal, sys, threading, weakref

def unlearning(net, retain, forget, validation):
    def late():
        os.write(3, b"late")
        print("late")
    atexit.register(late)
    weakref.finalize(net, late)
    threading._register_atexit(late)
    sys.exitfunc = sys.excepthook = lambda *words: late()
    signal.signal(signal.SIGTERM, lambda *words: late())
    return net
"""


def test_nothing_runs_after_the_result(lab):
    report = lab.call(SOURCE)
    assert report.weights == lab.spec.pack(lab.original)
    assert report.output == ""
