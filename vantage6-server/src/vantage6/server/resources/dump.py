"""From models to what the interface shows (contract, rest-api sections 1.8 and 2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from vantage6.server.models import (
    AlgorithmPort,
    AlgorithmStore,
    Collaboration,
    Node,
    Organization,
    Role,
    Rule,
    Run,
    Study,
    Task,
    User,
)

__all__ = ["Dumper", "moment"]

Json = dict[str, Any]

_METHODS = {"task": ["GET", "DELETE"], "run": ["GET", "PATCH"], "result": ["GET", "PATCH"]}
_USUAL_METHODS = ["GET", "PATCH", "DELETE"]


def moment(value: datetime | None) -> str | None:
    """Write a moment as the contract has it: UTC without zone."""
    if value is None:
        return None
    return value.astimezone(timezone.utc).replace(tzinfo=None).isoformat()


class Dumper:
    """Writes objects with links below the server's API path.

    Parameters
    ----------
    api_path : str
        Prefix of all links, for example ``/api``.
    """

    def __init__(self, api_path: str) -> None:
        self._api_path = api_path.rstrip("/")

    def url(self, noun: str, identity: int) -> str:
        """Return the path of one object."""
        return f"{self._api_path}/{noun}/{identity}"

    def link(self, noun: str, identity: int | None) -> Json | None:
        """Return a link to one object; null where there is none."""
        if identity is None:
            return None
        return {
            "id": identity,
            "link": self.url(noun, identity),
            "methods": _METHODS.get(noun, _USUAL_METHODS),
        }

    def list_url(self, noun: str, parameter: str, identity: int) -> str:
        """Return the path of a filtered list."""
        return f"{self._api_path}/{noun}?{parameter}={identity}"

    def organization(self, organization: Organization) -> Json:
        """Write an organization."""
        identity = organization.id
        return {
            "id": identity,
            "name": organization.name,
            "domain": organization.domain,
            "address1": organization.address1,
            "address2": organization.address2,
            "zipcode": organization.zipcode,
            "country": organization.country,
            "public_key": organization.public_key,
            "collaborations": self.list_url("collaboration", "organization_id", identity),
            "nodes": self.list_url("node", "organization_id", identity),
            "users": self.list_url("user", "organization_id", identity),
            "tasks": self.list_url("task", "init_org_id", identity),
            "runs": self.list_url("run", "organization_id", identity),
            "studies": self.list_url("study", "organization_id", identity),
        }

    def organizations(self, organizations: Iterable[Organization]) -> list[Json]:
        """Write several organizations."""
        return [self.organization(organization) for organization in organizations]

    def collaboration(
        self, collaboration: Collaboration, *, with_organizations: bool = False
    ) -> Json:
        """Write a collaboration, with its members or where to find them."""
        identity = collaboration.id
        return {
            "id": identity,
            "name": collaboration.name,
            "encrypted": collaboration.encrypted,
            "organizations": self.organizations(collaboration.organizations)
            if with_organizations
            else self.list_url("organization", "collaboration_id", identity),
            "nodes": self.list_url("node", "collaboration_id", identity),
            "tasks": self.list_url("task", "collaboration_id", identity),
            "studies": self.list_url("study", "collaboration_id", identity),
            "algorithm_stores": self.list_url("algorithmstore", "collaboration_id", identity),
        }

    def study(self, study: Study, *, with_organizations: bool = False) -> Json:
        """Write a study, with its members or where to find them."""
        return {
            "id": study.id,
            "name": study.name,
            "collaboration": self.link("collaboration", study.collaboration_id),
            "organizations": self.organizations(study.organizations)
            if with_organizations
            else self.list_url("organization", "study_id", study.id),
            "tasks": self.list_url("task", "study_id", study.id),
        }

    def node(self, node: Node) -> Json:
        """Write a node with what it shares; never its key."""
        return {
            "id": node.id,
            "type": node.type,
            "name": node.name,
            "status": node.status,
            "ip": node.ip,
            "last_seen": moment(node.last_seen),
            "organization": self.link("organization", node.organization_id),
            "collaboration": self.link("collaboration", node.collaboration_id),
            "config": [{"key": item.key, "value": item.value} for item in node.config],
        }

    def simple_node(self, node: Node) -> Json:
        """Write a node as a member of a collaboration."""
        return {
            "id": node.id,
            "name": node.name,
            "status": node.status,
            "ip": node.ip,
            "last_seen": moment(node.last_seen),
            "organization": self.link("organization", node.organization_id),
        }

    def user(self, user: User) -> Json:
        """Write a user; the secret of the second factor stays hidden (contract: a quirk)."""
        return {
            "id": user.id,
            "type": user.type,
            "username": user.username,
            "firstname": user.firstname,
            "lastname": user.lastname,
            "email": user.email,
            "status": user.status,
            "ip": user.ip,
            "last_seen": moment(user.last_seen),
            "otp_secret": None,
            "last_email_failed_login_sent": moment(user.last_email_failed_login_sent),
            "last_email_recover_password_sent": moment(user.last_email_recover_password_sent),
            "organization": self.link("organization", user.organization_id),
            "roles": self.list_url("role", "user_id", user.id),
            "rules": self.list_url("rule", "user_id", user.id),
        }

    def role(self, role: Role) -> Json:
        """Write a role."""
        return {
            "id": role.id,
            "name": role.name,
            "description": role.description,
            "is_default_role": role.is_default_role,
            "organization": self.link("organization", role.organization_id),
            "rules": self.list_url("rule", "role_id", role.id),
            "users": self.list_url("user", "role_id", role.id),
        }

    def rule(self, rule: Rule) -> Json:
        """Write a rule."""
        return {
            "id": rule.id,
            "name": rule.name,
            "operation": rule.operation.value,
            "scope": rule.scope.value,
            "description": rule.description,
            "users": self.list_url("user", "rule_id", rule.id),
        }

    def algorithm_store(self, store: AlgorithmStore) -> Json:
        """Write the link to an algorithm store."""
        return {
            "id": store.id,
            "name": store.name,
            "url": store.url,
            "collaborations": None
            if store.collaboration_id is None
            else self.list_url("collaboration", "algorithm_store_id", store.id),
        }

    def task(
        self,
        task: Task,
        *,
        runs: list[Json] | None = None,
        results: list[Json] | None = None,
        as_part_of_run: bool = False,
    ) -> Json:
        """Write a task; its databases and runs should be loaded.

        Parameters
        ----------
        runs, results : list, optional
            Written objects to include instead of where to find them.
        as_part_of_run : bool
            Leave the key ``runs`` out.
        """
        written: Json = {
            "id": task.id,
            "name": task.name,
            "description": task.description,
            "image": task.image,
            "job_id": task.job_id,
            "created_at": moment(task.created_at),
            "status": task.status.value,
            "finished_at": moment(task.finished_at),
            "collaboration": self.link("collaboration", task.collaboration_id),
            "study": self.link("study", task.study_id),
            "algorithm_store": self.link("algorithmstore", task.algorithm_store_id),
            "parent": self.link("task", task.parent_id),
            "init_org": self.link("organization", task.init_org_id),
            "init_user": self.link("user", task.init_user_id),
            "databases": [
                {"label": item.database, "parameters": item.parameters} for item in task.databases
            ],
            "children": self.list_url("task", "parent_id", task.id),
            "results": self.list_url("result", "task_id", task.id) if results is None else results,
        }
        if not as_part_of_run:
            written["runs"] = self.list_url("run", "task_id", task.id) if runs is None else runs
        return written

    def run(self, run: Run, node: Node | None, *, task: Json | None = None) -> Json:
        """Write a run; its ports should be loaded. It never holds the result.

        Parameters
        ----------
        node : Node or None
            The node of the run's organization in the task's collaboration.
        task : dict, optional
            The written task to include instead of a link.
        """
        return {
            "id": run.id,
            "status": run.status,
            "input": run.input,
            "log": run.log,
            "assigned_at": moment(run.assigned_at),
            "started_at": moment(run.started_at),
            "finished_at": moment(run.finished_at),
            "cleanup_at": moment(run.cleanup_at),
            "blob_storage_used": run.blob_storage_used,
            "organization": self.link("organization", run.organization_id),
            "task": self.link("task", run.task_id) if task is None else task,
            "results": self.link("result", run.id),
            "node": {}
            if node is None
            else {"id": node.id, "name": node.name, "ip": node.ip, "status": node.status},
            "ports": [self.port(port) for port in run.ports],
        }

    def result(self, run: Run) -> Json:
        """Write the result of a run."""
        return {
            "id": run.id,
            "result": run.result,
            "cleanup_at": moment(run.cleanup_at),
            "blob_storage_used": run.blob_storage_used,
            "run": self.link("run", run.id),
            "task": self.link("task", run.task_id),
        }

    def port(self, port: AlgorithmPort) -> Json:
        """Write a port."""
        return {"id": port.id, "port": port.port, "label": port.label}
