"""Every noun of the interface, created, looked at, changed and removed with the released client.

Reads where and who from standard input as JSON, and writes what it got to the file named there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from vantage6.client import UserClient

PASSWORD = "An0ther-Passw0rd!"


def main(given: dict[str, Any]) -> None:
    """Call everything as the server's root user."""
    client = UserClient(given["host"], given["port"], given["path"], log_level="error")
    client.authenticate(given["username"], given["password"])
    found = {
        "version": client.util.get_server_version(),
        "health": client.util.get_server_health(),
        **organizations(client),
    }
    first, second = (found[name]["id"] for name in ("organization.create", "organization.create2"))
    found |= accounts(client, first)
    found |= collaborations(client, first, second)
    found |= removals(client, found, first, second)
    Path(given["answer"]).write_text(json.dumps(found))


def organizations(client: UserClient) -> dict[str, Any]:
    """Create two organizations and look at them."""
    address = ["street 1", "", "1234", "NL", "example.org"]
    first = client.organization.create("interop one", *address)
    return {
        "organization.create": first,
        "organization.create2": client.organization.create("interop two", *address),
        "organization.get": client.organization.get(first["id"]),
        "organization.own": client.organization.get(),
        "organization.update": client.organization.update(first["id"], country="BE"),
        "organization.list": client.organization.list(name="interop%"),
        "organization.fields": client.organization.list(name="interop%", fields=["id", "name"]),
    }


def accounts(client: UserClient, organization: int) -> dict[str, Any]:
    """Create a role and a user and change them."""
    rules = client.rule.list(name="task", per_page=5)
    rule = rules["data"][0]["id"]
    role = client.role.create("interop role", "for a test", [rule], organization)
    user = client.user.create(
        "interop-user", "Ada", "Byron", PASSWORD, "a@example.org", organization, [role["id"]]
    )
    return {
        "rule.list": rules,
        "rule.get": client.rule.get(rule),
        "role.create": role,
        "role.get": client.role.get(role["id"]),
        "role.list": client.role.list(organization=organization),
        "role.update": client.role.update(role["id"], "interop role!", "changed", [rule]),
        "role.update.partly": client.role.update(role["id"], description="partly"),
        "user.create": user,
        "user.create.own": client.user.create(
            "interop-own", "Own", "Organization", PASSWORD, "b@example.org"
        ),
        "user.get": client.user.get(user["id"]),
        "user.list": client.user.list(organization=organization),
        "user.update": client.user.update(user["id"], firstname="Grace"),
    }


def collaborations(client: UserClient, first: int, second: int) -> dict[str, Any]:
    """Create a collaboration with study and nodes and change them."""
    collaboration = client.collaboration.create("interop", [first], False)
    client.setup_collaboration(collaboration["id"])
    members = client.collaboration.add_organization(second)
    study = client.study.create("interop study", [first])
    node = client.node.create(organization=first, name="interop node")
    return {
        "collaboration.create": collaboration,
        "collaboration.get": client.collaboration.get(collaboration["id"]),
        "collaboration.add_organization": members,
        "collaboration.list": client.collaboration.list(scope="global", name="interop"),
        "collaboration.list.plain": client.collaboration.list(
            scope="global", name="interop", encrypted=False
        ),
        "collaboration.update": client.collaboration.update(name="interop!"),
        "study.create": study,
        "study.get": client.study.get(study["id"]),
        "study.list": client.study.list(collaboration=collaboration["id"]),
        "study.add_organization": client.study.add_organization(second, study["id"]),
        "study.remove_organization": client.study.remove_organization(second, study["id"]),
        "study.update": client.study.update(study["id"], name="interop study!"),
        "node.create": node,
        "node.get": client.node.get(node["id"]),
        "node.list": client.node.list(is_online=False),
        "node.update": client.node.update(node["id"], name="interop node!"),
        "task.list": client.task.list(),
        "run.list": client.run.list(),
    }


def removals(client: UserClient, found: dict[str, Any], first: int, second: int) -> dict[str, Any]:
    """Remove everything again; what each list holds then."""
    client.node.delete(found["node.create"]["id"])
    client.study.delete(found["study.create"]["id"])
    members = client.collaboration.remove_organization(second)
    client.collaboration.delete()
    for name in ("user.create", "user.create.own"):
        client.user.delete(found[name]["id"])
    client.role.delete(found["role.create"]["id"])
    client.collaboration_id = None
    for organization in (first, second):
        client.organization.delete(organization)
    return {
        "collaboration.remove_organization": members,
        "left.organizations": client.organization.list(name="interop%"),
        "left.collaborations": client.collaboration.list(scope="global", name="interop%"),
        "left.users": client.user.list(username="interop%"),
        "refused": client.organization.get(999_999),
    }


if __name__ == "__main__":
    main(json.load(sys.stdin))
