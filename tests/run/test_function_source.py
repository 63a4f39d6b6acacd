"""A function of a session becomes a file that defines the same."""

import math as maths
import types
from collections import OrderedDict

import pytest

from harness.errors import UsageError
from harness.run.function_source import source_of

RATE = 0.25
net = object()  # the session's own; the functions have a parameter of that name


class Helper:
    factor = RATE

    def scaled(self, value):
        return value * self.factor


def half(value):
    return Helper().scaled(value) * 2


def method(net, retain, forget, validation, *, steps=int(RATE * 8)):
    """Doc."""

    def inner(x):
        return maths.sqrt(x) + half(x)

    return inner(net), steps, OrderedDict(a=1)


def executed(source):
    module = types.ModuleType("submission")
    exec(compile(source, "submission.py", "exec"), module.__dict__)
    return module.unlearning


def test_it_does_the_same_without_the_session():
    function = executed(source_of(method))

    assert function(4, None, None, None) == method(4, None, None, None)
    assert function.__doc__ == "Doc."


def test_a_parameter_is_not_taken_for_the_sessions_variable():
    assert "net =" not in source_of(method)


def refers_to_an_object(net, retain, forget, validation):
    return forget or globals_net


globals_net = object()


def test_what_cannot_be_written_down_is_named():
    with pytest.raises(
        UsageError, match=r"refers to globals_net \(object\), which cannot"
    ):
        source_of(refers_to_an_object)


def test_a_variable_of_an_outer_function_is_named():
    factor = 3

    def closure(net, retain, forget, validation):
        return factor

    with pytest.raises(UsageError, match="closure uses factor of an outer function"):
        source_of(closure)


def test_a_function_without_a_source_is_refused():
    space: dict = {}
    exec("def unlearning(net, retain, forget, validation): pass", space)

    with pytest.raises(UsageError, match="source of unlearning cannot be read"):
        source_of(space["unlearning"])


def test_a_function_of_that_very_name_is_not_bound_again():
    def unlearning(net, retain, forget, validation):
        return net

    assert source_of(unlearning).count("unlearning") == 1


def test_how_its_batches_are_to_be_comes_along(monkeypatch):
    assert "BATCHES" not in source_of(method)
    monkeypatch.setitem(method.__globals__, "BATCHES", "dict")

    assert "BATCHES = 'dict'\n" in source_of(method)
