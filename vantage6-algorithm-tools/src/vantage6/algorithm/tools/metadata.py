"""Identities, files and database connections of a run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vantage6.algorithm.tools.environment import database_setting, require_variable
from vantage6.algorithm.tools.util import fail, info
from vantage6.common.wire.container import Variable, database_variable
from vantage6.common.wire.tokens import SUBJECT_CLAIM, unverified_claims

__all__ = [
    "OHDSI_AVAILABLE",
    "OHDSIMetaData",
    "RunMetaData",
    "get_ohdsi_metadata",
    "omop_values",
    "read_run_metadata",
]


def _is_ohdsi_installed() -> bool:
    return find_spec("ohdsi") is not None and find_spec("ohdsi.database_connector") is not None


OHDSI_AVAILABLE = _is_ohdsi_installed()
"""Whether the optional library for OMOP databases is installed."""


@dataclass(frozen=True)
class RunMetaData:
    """Identities of a run, and where its files are in the container."""

    task_id: int
    node_id: int
    collaboration_id: int
    organization_id: int
    temporary_directory: Path
    output_file: Path
    input_file: Path
    token_file: Path


@dataclass(frozen=True)
class OHDSIMetaData:
    """Schemas of an OMOP database, and folders for what OHDSI tools write."""

    database: str
    cdm_schema: str
    results_schema: str
    incremental_folder: Path
    cohort_statistics_folder: Path
    export_folder: Path
    dbms: str


def read_run_metadata(token: str) -> RunMetaData:
    """Read the metadata of this run from its token and the environment.

    Raises
    ------
    ValueError
        If the token is not that of a container.
    """
    identity = unverified_claims(token).get(SUBJECT_CLAIM)
    if not isinstance(identity, dict):
        raise ValueError("The token is not that of a run; start the algorithm through a node.")  # noqa: TRY004 - what is wrong is a value
    return RunMetaData(
        task_id=identity["task_id"],
        node_id=identity["node_id"],
        collaboration_id=identity["collaboration_id"],
        organization_id=identity["organization_id"],
        temporary_directory=Path(require_variable(Variable.TEMPORARY_FOLDER)),
        output_file=Path(require_variable(Variable.OUTPUT_FILE)),
        input_file=Path(require_variable(Variable.INPUT_FILE)),
        token_file=Path(require_variable(Variable.TOKEN_FILE)),
    )


def get_ohdsi_metadata(label: str) -> OHDSIMetaData:
    """Return the schemas and folders of the OMOP database with this label.

    Ends the run as failed if the node does not give them.
    """
    scratch = Path(require_variable(Variable.TEMPORARY_FOLDER))
    return OHDSIMetaData(
        database=_parameter(label, "CDM_DATABASE"),
        cdm_schema=_parameter(label, "CDM_SCHEMA"),
        results_schema=_parameter(label, "RESULTS_SCHEMA"),
        incremental_folder=scratch / "incremental",
        cohort_statistics_folder=scratch / "cohort_statistics",
        export_folder=scratch / "export",
        dbms=_parameter(label, "DBMS"),
    )


def omop_values(label: str, *, include_metadata: bool) -> list[Any]:
    """Return a connection to the OMOP database with this label, and its metadata if asked for."""
    connection = _connect(label)
    return [connection, get_ohdsi_metadata(label)] if include_metadata else [connection]


def _connect(label: str) -> Any:
    if not OHDSI_AVAILABLE:
        fail(
            "OMOP databases need the package ohdsi.database_connector, which is not installed; "
            "build the image on the OHDSI base image."
        )
    from ohdsi.database_connector import connect  # type: ignore[import-not-found,unused-ignore]

    dbms = _parameter(label, "DBMS")
    user = _parameter(label, "USER")
    uri = _setting(label, "DATABASE_URI")
    info(f"Connecting to the {dbms} database at {uri} as {user}")
    return connect(
        dbms=dbms, connection_string=uri, password=_parameter(label, "PASSWORD"), user=user
    )


def _parameter(label: str, key: str) -> str:
    return _setting(label, f"DB_PARAM_{key}")


def _setting(label: str, suffix: str) -> str:
    value = database_setting(label, suffix)
    if value is None:
        fail(
            f"The environment variable {database_variable(label, suffix)} is missing; "
            f"the node's administrator sets it in the configuration of the database {label!r}."
        )
    return value
