"""What the mock client gives for tasks, runs, organizations and collaborations."""

from __future__ import annotations

from typing import Any

from vantage6.common.status import RunStatus

__all__ = [
    "collaboration_object",
    "organization_object",
    "result_object",
    "run_object",
    "task_object",
]

Object = dict[str, Any]

_MOMENT = "2026-01-01T00:00:00.000000+00:00"
_READ = ["GET"]


def task_object(
    *,
    id_: int,
    name: str,
    description: str,
    image: str,
    organization_id: int,
    collaboration_id: int,
) -> Object:
    """Return a task that has ended."""
    return {
        "id": id_,
        "runs": f"/api/run?task_id={id_}",
        "results": f"/api/result?task_id={id_}",
        "status": RunStatus.COMPLETED.value,
        "name": name,
        "databases": ["mock"],
        "description": description,
        "image": image,
        "init_user": _link("user", 1),
        "init_org": _link("organization", organization_id),
        "parent": None,
        "collaboration": _link("collaboration", collaboration_id),
        "job_id": 1,
        "children": None,
    }


def run_object(id_: int, task_id: int, organization_id: int, input_: str) -> Object:
    """Return a run that has ended."""
    return {
        "id": id_,
        "status": RunStatus.COMPLETED.value,
        "input": input_,
        "log": "mock_log",
        "assigned_at": _MOMENT,
        "started_at": _MOMENT,
        "finished_at": _MOMENT,
        "cleanup_at": None,
        "blob_storage_used": False,
        "organization": _link("organization", organization_id),
        "task": _link("task", task_id),
        "results": _link("result", id_),
        "node": {"id": organization_id, "ip": None, "name": "mock_node", "status": "online"},
        "ports": [],
    }


def result_object(id_: int, task_id: int, result: str) -> Object:
    """Return the result of a run."""
    return {"id": id_, "result": result, "run": _link("run", id_), "task": _link("task", task_id)}


def organization_object(id_: int) -> Object:
    """Return an organization."""
    return {
        "id": id_,
        "name": f"mock-{id_}",
        "domain": f"mock-{id_}.org",
        "address1": "mock",
        "address2": "mock",
        "zipcode": "mock",
        "country": "mock",
        "public_key": "mock",
        "collaborations": f"/api/collaboration?organization_id={id_}",
        "nodes": f"/api/node?organization_id={id_}",
        "users": f"/api/user?organization_id={id_}",
        "tasks": f"/api/task?init_org_id={id_}",
        "runs": f"/api/run?organization_id={id_}",
        "studies": f"/api/study?organization_id={id_}",
    }


def collaboration_object(id_: int, *, is_encrypted: bool) -> Object:
    """Return the collaboration."""
    return {
        "id": id_,
        "name": "mock-collaboration",
        "encrypted": is_encrypted,
        "organizations": f"/api/organization?collaboration_id={id_}",
        "nodes": f"/api/node?collaboration_id={id_}",
        "tasks": f"/api/task?collaboration_id={id_}",
        "algorithm_stores": f"/api/algorithmstore?collaboration_id={id_}",
        "studies": f"/api/study?collaboration_id={id_}",
    }


def _link(noun: str, id_: int) -> Object:
    return {"id": id_, "link": f"/api/{noun}/{id_}", "methods": _READ}
