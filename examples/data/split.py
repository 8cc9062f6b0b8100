"""Divide the lung cancer records over organizations, by the institution that treated the patient.

``python split.py FOLDER`` writes one CSV file per organization.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Part", "split_by_institution", "write_parts"]

_INSTITUTION = "inst"


@dataclass(frozen=True)
class Part:
    """The records of one organization.

    Attributes
    ----------
    institutions : tuple of str
        Codes of the institutions it stands for, in ascending order.
    columns : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        The records in the order of the source, with their values as written there.
    """

    institutions: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def split_by_institution(path: Path, number: int = 3) -> list[Part]:
    """Give each institution, with all its records, to one of `number` organizations.

    The institutions go from the largest to the smallest, each to the organization that has the
    fewest records so far, so that the parts are about equally large and always the same. Records
    without an institution go to the smallest part.

    Parameters
    ----------
    path : Path
        CSV file with a column ``inst``.
    number : int
        How many organizations; at most as many as there are institutions.

    Returns
    -------
    list of Part
        One per organization; together they hold every record once.

    Raises
    ------
    ValueError
        If there are fewer institutions than organizations.
    """
    with path.open(encoding="utf-8", newline="") as file:
        columns, *rows = [tuple(row) for row in csv.reader(file)]
    position = columns.index(_INSTITUTION)
    owner = _owners(Counter(row[position] for row in rows), number)
    return [
        Part(
            institutions=tuple(
                sorted((code for code, part in owner.items() if code and part == index), key=float)
            ),
            columns=columns,
            rows=tuple(row for row in rows if owner[row[position]] == index),
        )
        for index in range(number)
    ]


def write_parts(parts: list[Part], folder: Path) -> list[Path]:
    """Write each part to ``organization_<n>.csv`` in a folder, and return the files' names."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"organization_{index}.csv" for index in range(1, len(parts) + 1)]
    for file, part in zip(files, parts, strict=True):
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(part.columns)
            writer.writerows(part.rows)
    return files


def _owners(counts: Counter[str], number: int) -> dict[str, int]:
    """Return to which part each institution belongs; the empty code goes last."""
    codes = [code for code in counts if code]
    if not 1 <= number <= len(codes):
        raise ValueError(
            f"The {len(codes)} institutions cannot be divided over {number} organizations; "
            f"give a number between 1 and {len(codes)}."
        )
    sizes = [0] * number
    owner: dict[str, int] = {}
    for code in [*sorted(codes, key=lambda code: (-counts[code], float(code))), ""]:
        smallest = sizes.index(min(sizes))
        owner[code] = smallest
        sizes[smallest] += counts[code]
    return owner


def main() -> None:
    """Write the parts to the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--source", type=Path, default=Path(__file__).with_name("lung.csv"))
    parser.add_argument("--number", type=int, default=3)
    arguments = parser.parse_args()
    parts = split_by_institution(arguments.source, arguments.number)
    for file, part in zip(write_parts(parts, arguments.folder), parts, strict=True):
        print(f"{file}: {len(part.rows)} records of {len(part.institutions)} institutions")


if __name__ == "__main__":
    main()
