"""What a node gives an algorithm: environment, files, labels (contract, node section 6)."""

from __future__ import annotations

import base64
import binascii

__all__ = [
    "DATA_FOLDER",
    "PACKAGE_NAME_VARIABLE",
    "SCRATCH_FOLDER",
    "Label",
    "Variable",
    "database_variable",
    "decode_value",
    "encode_value",
    "run_folder_name",
]

DATA_FOLDER = "/mnt/data"
SCRATCH_FOLDER = "/mnt/tmp"
PACKAGE_NAME_VARIABLE = "PKG_NAME"
_EQUALS_REPLACEMENT = "!"


class Variable:
    """Names of the environment variables, without those of single databases."""

    INPUT_FILE = "INPUT_FILE"
    OUTPUT_FILE = "OUTPUT_FILE"
    TOKEN_FILE = "TOKEN_FILE"  # noqa: S105 - the name of a variable
    TEMPORARY_FOLDER = "TEMPORARY_FOLDER"
    HOST = "HOST"
    PORT = "PORT"
    API_PATH = "API_PATH"
    REQUESTED_LABELS = "USER_REQUESTED_DATABASE_LABELS"
    ALL_LABELS = "DB_LABELS"
    RUN_CONTEXT_FILE = "RUN_CONTEXT_FILE"


class Label:
    """Docker labels; the first three are the contract's, the others tell whose an object is."""

    TYPE = "vantage6-type"
    NODE = "node"
    RUN_ID = "run_id"
    NODE_ID = "vantage6-node-id"
    PURPOSE = "vantage6-purpose"
    ALGORITHM_TYPE = "algorithm"


def database_variable(label: str, suffix: str) -> str:
    """Name a variable of one database, for example ``DEFAULT_DATABASE_URI``.

    `suffix` is one of ``DATABASE_URI``, ``DATABASE_TYPE``, ``QUERY``, ``SHEET_NAME``,
    ``PREPROCESSING`` or ``DB_PARAM_<KEY>``.
    """
    return f"{label.upper()}_{suffix}"


def run_folder_name(run_id: int) -> str:
    """Name the folder with a run's files; it says task, but the number is the run's."""
    return f"task-{run_id:09d}"


def encode_value(value: object) -> str:
    """Encode a variable's value: UTF-8, base32, ``=`` replaced by ``!``."""
    encoded = base64.b32encode(str(value).encode()).decode("ascii")
    return encoded.replace("=", _EQUALS_REPLACEMENT)


def decode_value(text: str) -> str:
    """Decode a variable's value; text that is not in the encoded form is returned as it is."""
    try:
        return base64.b32decode(text.replace(_EQUALS_REPLACEMENT, "=")).decode()
    except (binascii.Error, ValueError):
        return text
