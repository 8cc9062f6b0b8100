"""Print names and defaults of what the released client's methods take, as JSON."""

from __future__ import annotations

import inspect
import json
from typing import Any

from vantage6.client import UserClient

TOP = (
    "authenticate",
    "refresh_token",
    "request",
    "setup_collaboration",
    "setup_encryption",
    "wait_for_results",
    "wait_for_task_completion",
)
NOUNS = (
    "util",
    "collaboration",
    "organization",
    "user",
    "run",
    "result",
    "task",
    "role",
    "node",
    "rule",
    "study",
    "store",
    "algorithm",
)
STORE_NOUNS = ("role", "rule", "user", "policy", "review")


def parameters(method: Any) -> list[list[Any]]:
    """Return each parameter's name, with its default if it has one."""
    return [
        [each.name] if each.default is each.empty else [each.name, each.default]
        for each in inspect.signature(method).parameters.values()
    ]


def methods(holder: Any, prefix: str) -> dict[str, list[list[Any]]]:
    """Return the public methods of an object."""
    names = [name for name in dir(holder) if not name.startswith("_") and name != "parent"]
    return {
        f"{prefix}.{name}": parameters(getattr(holder, name))
        for name in names
        if inspect.ismethod(getattr(holder, name))
    }


client = UserClient("http://localhost", 1, log_level="error")
found = {name: parameters(getattr(client, name)) for name in TOP}
for noun in NOUNS:
    found |= methods(getattr(client, noun), noun)
for noun in STORE_NOUNS:
    found |= methods(getattr(client.store, noun), f"store.{noun}")
print(json.dumps(found))
