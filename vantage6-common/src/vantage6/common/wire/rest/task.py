"""Bodies of ``/task`` (contract, rest-api section 4.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from vantage6.common.wire.rest.fields import Identifier, Name, Url

__all__ = ["DATABASE_KEYS", "IDEMPOTENCY_HEADER", "TaskInput", "task_organizations"]

IDEMPOTENCY_HEADER = "Idempotency-Key"
"""Header of ``POST /task``: repeating a request with the same key creates nothing new."""

DATABASE_KEYS = frozenset({"label", "query", "sheet_name", "preprocessing", "arguments"})
_DESCRIPTION_LENGTH = 1024


def _check_organizations(value: list[Any]) -> None:
    if not value:
        raise ValidationError("At least one organization is needed.")
    for entry in value:
        if not isinstance(entry, Mapping):
            raise ValidationError("Every organization must be an object with the key 'id'.")
        if "id" not in entry:
            raise ValidationError("An organization lacks the key 'id'.")
        if not isinstance(entry.get("input", ""), str):
            raise ValidationError("The 'input' of an organization must be text.")


def _check_databases(value: list[Any] | None) -> None:
    for entry in value or ():
        problem = _database_problem(entry)
        if problem:
            raise ValidationError(problem)


def _database_problem(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return "Every database must be an object with the key 'label'."
    if not isinstance(entry.get("label"), str) or not entry["label"]:
        return "A database lacks the key 'label', which must be text."
    unknown = sorted(str(key) for key in entry.keys() - DATABASE_KEYS)
    if unknown:
        allowed = ", ".join(sorted(DATABASE_KEYS))
        return f"A database has the unknown key '{unknown[0]}'; allowed are {allowed}."
    return _parameter_problem(entry)


def _parameter_problem(entry: Mapping[str, Any]) -> str | None:
    if not isinstance(entry.get("arguments", {}), Mapping):
        return "The 'arguments' of a database must be an object."
    steps = entry.get("preprocessing", [])
    if not isinstance(steps, list):
        return "The 'preprocessing' of a database must be a list."
    for step in steps:
        if not isinstance(step, Mapping) or "function" not in step:
            return "Every preprocessing step must be an object with the key 'function'."
    return None


def task_organizations() -> fields.List[Any]:
    """Return a field for the organizations of a task, each with the input for it.

    Entries are checked here and not by nested fields: the contract reports one flat list of texts
    per key (golden sample ``task__POST``, case ``schema-error``).
    """
    return fields.List(fields.Raw(), required=True, validate=_check_organizations)


class TaskInput(Schema):
    """What ``POST /task`` asks for; one entry of `organizations` becomes one run."""

    image = fields.String(required=True, validate=validate.Length(min=1))
    name = Name(load_default="")
    description = fields.String(load_default="", validate=validate.Length(max=_DESCRIPTION_LENGTH))
    collaboration_id = Identifier(load_default=None)
    study_id = Identifier(load_default=None)
    store_id = Identifier(load_default=None)
    server_url = Url(load_default=None)
    organizations = task_organizations()
    databases = fields.List(
        fields.Raw(), load_default=None, allow_none=True, validate=_check_databases
    )

    @validates_schema
    def _needs_a_place(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("collaboration_id") is None and data.get("study_id") is None:
            raise ValidationError("Either 'collaboration_id' or 'study_id' is needed.")
