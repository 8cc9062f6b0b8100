"""Runs as a node starts them: what they leave in the output file, the log and the exit code."""

from __future__ import annotations

import pytest

from vantage6.algorithm.tools.exceptions import DeserializationError
from vantage6.algorithm.tools.wrap import load_input

ECHO = "def echo(*args, **kwargs): return {'args': args, 'kwargs': kwargs}\n"


def test_a_run_leaves_the_result_as_json_and_ends_well(station):
    station.package(ECHO)
    outcome = station.run({"method": "echo", "args": [1, "é"], "kwargs": {"x": None}, "other": 1})
    assert outcome.code == 0
    assert outcome.output == b'{"args": [1, "\\u00e9"], "kwargs": {"x": null}}'
    assert outcome.stdout == "info > wrapper for algo\n"
    assert outcome.stderr == ""


def test_args_and_kwargs_may_be_left_out(station):
    station.package(ECHO)
    assert station.run({"method": "echo"}).result == {"args": [], "kwargs": {}}


def test_none_is_a_result(station):
    station.package("def nothing(): return None\n")
    outcome = station.run({"method": "nothing"})
    assert (outcome.code, outcome.output) == (0, b"null")


def test_images_of_the_first_releases_pass_the_package_name(station):
    station.package(ECHO)
    assert station.run({"method": "echo"}, argument="'algo'").code == 0


def test_a_package_name_may_have_hyphens(station):
    station.package(ECHO, "v6-summary-py")
    assert station.run({"method": "echo"}, "v6-summary-py").code == 0


def test_functions_imported_from_modules_of_the_package_can_be_called(station):
    station.package("from .central import *\n")
    (station.packages / "algo" / "central.py").write_text("def central(): return 1\n")
    assert station.run({"method": "central"}).result == 1


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_code_of_the_algorithm_is_kept(station, code):
    station.package(f"import sys\ndef leave(): sys.exit({code})\n")
    outcome = station.run({"method": "leave"})
    assert (outcome.code, outcome.output) == (code, b"")


@pytest.mark.parametrize(
    "name", ["get_env_var", "os", "_hidden", "Thing", "CONSTANT", "algorithm_client", "missing"]
)
def test_only_functions_of_the_algorithm_can_be_called(station, name):
    station.package(
        "import os\n"
        "from vantage6.algorithm.tools.util import get_env_var\n"
        "from vantage6.algorithm.tools.decorators import algorithm_client\n"
        "class Thing: pass\n"
        "CONSTANT = 1\n"
        "def _hidden(): return 1\n"
        "def offered(): return 1\n"
    )
    outcome = station.run({"method": name, "args": ["PATH"]})
    assert (outcome.code, outcome.output) == (1, b"")
    (line,) = outcome.errors
    assert line == (
        f"error > The algorithm package 'algo' has no function '{name}' that a task may call; "
        "available are: offered."
    )


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (b"no json", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"", "is not JSON"),
        ([1], "does not name a function"),
        ({"args": []}, "does not name a function"),
        ({"method": 3}, "does not name a function"),
        ({"method": "echo", "args": 3}, "args are of type int"),
        ({"method": "echo", "kwargs": [3]}, "kwargs are of type list"),
    ],
)
def test_an_unusable_input_ends_with_one_clear_line(station, document, complaint):
    station.package(ECHO)
    outcome = station.run(document)
    assert (outcome.code, outcome.output, outcome.stderr) == (1, b"", "")
    assert len(outcome.errors) == 1
    assert complaint in outcome.errors[0]


@pytest.mark.parametrize(
    "arguments", [{}, {"args": [1, 2]}, {"kwargs": {"a": 1, "b": 2}}, {"kwargs": {"b": 2}}]
)
def test_wrong_arguments_are_refused_before_the_call(station, arguments):
    station.package("def one(a):\n    print('computing')\n")
    outcome = station.run({"method": "one", **arguments})
    assert outcome.code == 1
    assert "computing" not in outcome.stdout
    assert outcome.errors[0].startswith("error > The arguments do not fit the function 'one' (")
    assert outcome.errors[0].endswith("; it takes: a.")
    assert outcome.stderr == ""


def test_an_error_of_the_algorithm_is_one_line_and_a_traceback_on_stderr(station):
    station.package("def broken(): raise ValueError('two\\nlines')\n")
    outcome = station.run({"method": "broken"})
    assert (outcome.code, outcome.output) == (1, b"")
    assert outcome.errors == ["error > Error encountered while calling broken: two lines"]
    assert "Traceback" in outcome.stderr
    assert "Traceback" not in outcome.stdout


def test_without_traceback_the_text_of_an_unforeseen_error_stays_secret(station):
    station.package("def broken(): raise ValueError('patient 12 is 103 years old')\n")
    outcome = station.run({"method": "broken"}, argument="False")
    assert outcome.errors == ["error > Error encountered while calling broken: ValueError"]
    assert "103" not in outcome.stdout + outcome.stderr


def test_without_traceback_an_error_raised_on_purpose_keeps_its_text(station):
    station.package(
        "from vantage6.algorithm.tools.exceptions import PrivacyThresholdViolation\n"
        "def guarded(): raise PrivacyThresholdViolation('Too few records.')\n"
    )
    outcome = station.run({"method": "guarded"}, argument="False")
    assert outcome.errors == ["error > Error encountered while calling guarded: Too few records."]
    assert outcome.stderr == ""


def test_a_key_error_is_named_as_one(station):
    station.package("def broken(): return {}['age']\n")
    outcome = station.run({"method": "broken"})
    assert outcome.errors == ["error > Error encountered while calling broken: KeyError: 'age'"]


def test_a_result_that_is_no_json_leaves_the_output_empty_and_names_its_type(station):
    station.package("def odd(): return {'a': [object()]}\n")
    outcome = station.run({"method": "odd"})
    assert (outcome.code, outcome.output, outcome.stderr) == (1, b"", "")
    assert len(outcome.errors) == 1
    assert "the result['a'][0] is of type object" in outcome.errors[0]


def test_a_missing_package_name_is_said(station):
    outcome = station.run({"method": "x"}, None)
    assert outcome.code == 1
    assert outcome.errors[0].startswith("error > The environment variable PKG_NAME is missing")


def test_a_missing_package_is_said(station):
    outcome = station.run({"method": "x"}, "absent")
    assert outcome.code == 1
    assert "'absent' can not be imported because it is not installed" in outcome.errors[0]


def test_a_missing_dependency_is_named(station):
    station.package("import not_installed_anywhere\n")
    outcome = station.run({"method": "x"})
    assert outcome.code == 1
    assert "the module 'not_installed_anywhere' that it needs" in outcome.errors[0]


@pytest.mark.parametrize("source", ["1 / 0\n", "def (:\n", "from os import nonsense\n"])
def test_a_package_that_fails_at_import_is_reported(station, source):
    station.package(source)
    outcome = station.run({"method": "x"})
    assert outcome.code == 1
    assert outcome.errors[0].startswith("error > Importing the package algo failed: ")
    assert "Traceback" in outcome.stderr


def test_an_output_file_that_can_not_be_written_is_said(station):
    station.package(ECHO)
    outcome = station.run({"method": "echo"}, variables={"OUTPUT_FILE": "/proc/none/output"})
    assert outcome.code == 1
    assert outcome.errors[0].startswith("error > The result of echo cannot be returned: ")


def test_missing_variables_of_the_node_are_named(station):
    station.package(ECHO)
    outcome = station.run({"method": "echo"}, variables={}, plain={"INPUT_FILE": "/none/input"})
    assert "The input file /none/input cannot be read" in outcome.errors[0]


def test_foreign_variables_that_look_encoded_stay_as_they_are(station):
    station.package(
        "import os\n"
        "def read(): return [os.environ[n] for n in ('FOREIGN', 'BINARY', 'OWN', 'DB_LABELS')]\n"
    )
    outcome = station.run(
        {"method": "read"},
        variables={"OWN": "x y", "DB_LABELS": "a,b"},
        plain={"FOREIGN": "MFRGGZDF", "BINARY": "ABCDEFGH"},
    )
    assert outcome.result == ["MFRGGZDF", "ABCDEFGH", "x y", "a,b"]


def test_a_value_that_decodes_to_something_encoded_is_decoded_once(station):
    station.package(
        "from vantage6.algorithm.tools.util import get_env_var\n"
        "def read(): return get_env_var('HOST')\n"
    )
    assert station.run({"method": "read"}, variables={"HOST": "MFRGGZDF"}).result == "MFRGGZDF"


def test_a_run_without_data_and_client_imports_neither_pandas_nor_httpx(station):
    station.package(
        "import sys\n"
        "from vantage6.algorithm.client import AlgorithmClient\n"
        "from vantage6.algorithm.tools.decorators import algorithm_client, data, metadata\n"
        "@data(1)\n"
        "def partial(df): pass\n"
        "@algorithm_client\n"
        "def central(client: AlgorithmClient): pass\n"
        "def loaded(): return sorted({n.partition('.')[0] for n in sys.modules})\n"
    )
    loaded = station.run({"method": "loaded"}).result
    assert "vantage6" in loaded
    assert not {"pandas", "numpy", "httpx", "sqlalchemy"} & set(loaded)


def test_an_input_file_is_parsed(tmp_path):
    file = tmp_path / "input"
    file.write_text('{"method": "m"}')
    assert load_input(str(file)) == {"method": "m"}


def test_an_input_file_that_is_missing_is_an_input_error(tmp_path):
    with pytest.raises(DeserializationError, match="cannot be read"):
        load_input(str(tmp_path / "absent"))
