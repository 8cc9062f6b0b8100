"""The parts hold every record once, by institution, and are about equally large."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]
LUNG = FOLDER / "lung.csv"


@pytest.fixture(scope="module")
def split():
    spec = importlib.util.spec_from_file_location("split_lung", FOLDER / "split.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["split_lung"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["split_lung"]


@pytest.mark.parametrize("number", [1, 2, 3, 18])
def test_every_record_is_in_one_part(split, number):
    parts = split.split_by_institution(LUNG, number)
    lines = LUNG.read_text().splitlines()[1:]
    assert Counter(",".join(row) for part in parts for row in part.rows) == Counter(lines)


def test_three_parts_share_the_18_institutions_and_are_equally_large(split):
    parts = split.split_by_institution(LUNG)
    assert [len(part.rows) for part in parts] == [76, 76, 76]
    institutions = [code for part in parts for code in part.institutions]
    assert len(institutions) == len(set(institutions)) == 18
    for part in parts:
        assert {row[0] for row in part.rows} - {""} == set(part.institutions)


def test_the_record_without_institution_goes_to_the_smallest_part(split):
    parts = split.split_by_institution(LUNG)
    with_institution = [sum(1 for row in part.rows if row[0]) for part in parts]
    owner = next(index for index, part in enumerate(parts) if any(not row[0] for row in part.rows))
    assert with_institution[owner] == min(with_institution)


def test_the_division_is_always_the_same(split):
    assert split.split_by_institution(LUNG) == split.split_by_institution(LUNG)


def test_parts_are_written_as_csv(split, tmp_path):
    files = split.write_parts(split.split_by_institution(LUNG), tmp_path / "new")
    assert [file.name for file in files] == [f"organization_{n}.csv" for n in (1, 2, 3)]
    header = LUNG.read_text().splitlines()[0]
    assert all(file.read_text().splitlines()[0] == header for file in files)
    assert sum(len(file.read_text().splitlines()) - 1 for file in files) == 228


@pytest.mark.parametrize("number", [0, 19])
def test_an_impossible_number_of_parts_is_refused(split, number):
    with pytest.raises(ValueError, match="18 institutions"):
        split.split_by_institution(LUNG, number)


def test_the_command_tells_what_it_wrote(split, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["split.py", str(tmp_path), "--number", "2"])
    split.main()
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/organization_1.csv: 114 records of 9 institutions",
        f"{tmp_path}/organization_2.csv: 114 records of 9 institutions",
    ]
