"""What the kinds of data sources have in common and where they differ."""

from __future__ import annotations

from dataclasses import dataclass

from vantage6.common.enums import DatabaseType

__all__ = ["Kind", "kind_of"]


@dataclass(frozen=True)
class Kind:
    """How one type of data source is treated.

    Attributes
    ----------
    is_path : bool
        The URI must be something on disk, so it is checked and mounted. Sources of other types
        are mounted only if their URI happens to be a path that exists (an SQLite file).
    is_folder : bool
        What is on disk is a folder, not a file.
    has_header : bool
        The names of the columns are in the first line of the file.
    """

    is_path: bool = False
    is_folder: bool = False
    has_header: bool = False


_KINDS = {
    DatabaseType.CSV: Kind(is_path=True, has_header=True),
    DatabaseType.PARQUET: Kind(is_path=True),
    DatabaseType.EXCEL: Kind(is_path=True),
    DatabaseType.FOLDER: Kind(is_path=True, is_folder=True),
    DatabaseType.SQL: Kind(),
    DatabaseType.SPARQL: Kind(),
    DatabaseType.OMOP: Kind(),
    DatabaseType.OTHER: Kind(),
}


def kind_of(type_text: str) -> Kind:
    """Return how sources of a type are treated; unknown types are like ``other``.

    The value of ``type`` is passed on to the algorithm unchecked (contract, node-config
    section 4), so an unknown one is no mistake.
    """
    try:
        return _KINDS[DatabaseType(type_text.lower())]
    except ValueError:
        return _KINDS[DatabaseType.OTHER]
