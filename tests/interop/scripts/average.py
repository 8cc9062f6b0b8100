"""What a researcher's notebook does, run with the released client.

Reads where and who from standard input as JSON, and writes what it got to the file named there;
standard output belongs to the client's own progress display.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from vantage6.client import UserClient


def main(given: dict[str, Any]) -> None:
    """Run both functions of the average algorithm and keep their results."""
    client = UserClient(given["host"], given["port"], given["path"], log_level="error")
    client.authenticate(given["username"], given["password"])
    client.setup_encryption(given["private_key"])
    client.setup_collaboration(given["collaboration"])
    organizations = [item["id"] for item in client.organization.list(field="id")]
    whoami = client.whoami
    assert whoami is not None
    own = whoami.organization_id
    found = {
        "whoami": list(whoami),
        "organizations": sorted(organizations),
        "central": run(client, given, "central_average", [own]),
        "partial": run(client, given, "partial_average", organizations),
        "failed": run(client, given, "no_such_function", [own]),
    }
    Path(given["answer"]).write_text(json.dumps(found))


def run(
    client: UserClient, given: dict[str, Any], method: str, organizations: list[int]
) -> dict[str, Any]:
    """Run one function and return all that can be seen of it."""
    task = client.task.create(
        organizations=organizations,
        name=method,
        image=given["image"],
        description="with the released client",
        input_={"method": method, "kwargs": {"column_name": given["column"]}},
        databases=[{"label": "default"}],
    )
    results = client.wait_for_results(task["id"], interval=0.2)
    whoami = client.whoami
    assert whoami is not None
    runs = client.run.from_task(task["id"])["data"]
    return {
        "created": task,
        "task": client.task.get(task["id"]),
        "results": [item["result"] for item in results["data"]],
        "single": [client.result.get(item["id"]) for item in results["data"]],
        "runs": [
            {"status": item["status"], "organization": item["organization"]["id"]} for item in runs
        ],
        "own_inputs": [
            item["input"] for item in runs if item["organization"]["id"] == whoami.organization_id
        ],
    }


if __name__ == "__main__":
    main(json.load(sys.stdin))
