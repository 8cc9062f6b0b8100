"""Which functions a task may call, and with which arguments."""

from __future__ import annotations

import functools
from types import ModuleType

import pytest

from vantage6.algorithm.tools.decorators import algorithm_client, data, metadata
from vantage6.algorithm.tools.dispatch import (
    Call,
    available_functions,
    check_arguments,
    find_function,
    parse_call,
)
from vantage6.algorithm.tools.exceptions import MethodNotFoundError, UserInputError


@pytest.fixture
def package():
    return ModuleType("algo")


def define(package, source, *, name="algo"):
    """Define things in a package as if one of its modules did."""
    exec(
        source,
        {"__name__": name, "data": data, "algorithm_client": algorithm_client},
        vars(package),
    )


def test_functions_of_the_package_and_its_modules_are_available(package):
    define(package, "def a(): pass")
    define(package, "@data(1)\ndef b(df): pass", name="algo.partial")
    define(package, "def c(): pass", name="other")
    define(package, "def d(): pass", name="algorithms")
    assert available_functions(package) == ["a", "b"]


def test_what_the_package_lists_is_available_too(package):
    define(package, "def c(): pass\ndef _d(): pass\nclass E: pass", name="other")
    package.__all__ = ["c", "_d", "E", "absent"]
    assert available_functions(package) == ["c"]


def test_modules_beside_a_package_inside_another_belong_to_it():
    package = ModuleType("company.algo")
    define(package, "def a(): pass", name="company.shared")
    define(package, "def b(): pass", name="companion")
    assert available_functions(package) == ["a"]


def test_a_function_behind_a_decorator_of_others_is_available(package):
    define(package, "def a(): pass")
    package.wrapped = functools.wraps(package.a)(lambda: None)
    package.bare = functools.partial(print)
    assert available_functions(package) == ["a", "wrapped"]


def test_a_refusal_is_also_an_attribute_error(package):
    with pytest.raises(MethodNotFoundError, match="available are: none"):
        find_function(package, "absent")
    with pytest.raises(AttributeError):
        find_function(package, "absent")


def test_a_call_is_read_from_the_input():
    assert parse_call({"method": "m"}) == Call("m", [], {})
    assert parse_call({"method": "m", "args": None, "kwargs": None}) == Call("m", [], {})
    assert parse_call({"method": "m", "args": [1], "kwargs": {"a": 2}}) == Call("m", [1], {"a": 2})


def one(column, *, option=None):
    """Take arguments of the task only."""


def behind_ours():
    @data(2)
    @algorithm_client
    def partial(client, first, second, column, *, option=None):
        pass

    return partial


def behind_metadata():
    return metadata(lambda run, column, option=None: None)


@pytest.mark.parametrize("function", [one, behind_ours(), behind_metadata()])
class TestArgumentsOfTheTask:
    def test_that_fit_are_accepted(self, function):
        check_arguments(function, Call("f", ["age"], {"option": 1}))
        check_arguments(function, Call("f", [], {"column": "age"}))

    @pytest.mark.parametrize(
        "call",
        [
            Call("f", [], {}),
            Call("f", ["a", "b", "c"], {}),
            Call("f", ["a"], {"column": "a"}),
            Call("f", ["a"], {"unknown": 1}),
            Call("f", ["a"], {"mock_client": 1}),
        ],
    )
    def test_that_do_not_fit_are_refused(self, function, call):
        with pytest.raises(UserInputError):
            check_arguments(function, call)


def test_the_message_lists_only_what_the_task_gives():
    with pytest.raises(UserInputError, match=r"it takes: column, option=None\.$"):
        check_arguments(behind_metadata(), Call("f", [], {}))


def test_keywords_for_tests_are_refused_even_by_functions_that_take_any():
    def open_ended(client, **options):
        """Take any keyword."""

    with pytest.raises(UserInputError, match="'mock_client' is for tests"):
        check_arguments(algorithm_client(open_ended), Call("f", [], {"mock_client": {}}))


def test_a_function_behind_a_decorator_of_others_is_not_checked():
    def adding(func):
        @functools.wraps(func)
        def wrapper(*args):
            return func("added", *args)

        return wrapper

    check_arguments(adding(one), Call("f", [], {}))
    check_arguments(data(1)(adding(one)), Call("f", [], {}))
    check_arguments(adding(data(1)(one)), Call("f", ["a", "b", "c", "d"], {}))


def test_functions_that_tell_nothing_of_themselves_are_not_checked():
    check_arguments(functools.lru_cache(one), Call("f", [1, 2, 3], {}))
    check_arguments(max, Call("f", [], {}))
