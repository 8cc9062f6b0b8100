"""Replays the recorded exchanges of organizations, collaborations, users and the like.

Each case runs against the world of the samples plus the records that earlier cases had made. Where
the recording shows what the contract calls a quirk, the answer we give on purpose is listed here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from vantage6.common.testing.golden import differences
from vantage6.server.models import (
    AlgorithmStore,
    Collaboration,
    Node,
    NodeConfig,
    Organization,
    Role,
    Rule,
    Run,
    Study,
    Task,
    User,
)

SAMPLES = Path(__file__).parents[2] / "tests" / "contract" / "data" / "golden"
NOUNS = ("organization", "collaboration", "study", "node", "user", "role", "rule")

# File, case: the status we answer instead of the recorded one.
DELIBERATE = {
    ("organization__GET", "page-zero"): 400,
    ("organization__GET", "page-not-int"): 400,
    ("organization__GET", "sort-unknown"): 400,
    ("organization__POST", "public-key-not-base64"): 400,
    ("collaboration_id_organization__DELETE", "not-member"): 400,
    ("collaboration_id_node__DELETE", "missing-id"): 400,
    ("study_id_organization__DELETE", "not-member"): 400,
    ("user_id__GET", "auth:called-by-node"): 403,
    ("user__POST", "organization_id-null"): 201,
    ("user__POST", "firstname-missing"): 201,
    # These filters find nothing at the reference, whatever there is.
    ("user__GET", "ok-collaboration_id"): 200,
    ("role__GET", "ok-collab-filter"): 200,
    ("role__GET", "page-not-int"): 400,
    ("role_id__PATCH", "null-name"): 200,
    ("rule__GET", "by-node"): 403,
}

# Stand-ins for long values in the recordings.
PLACEHOLDERS = {"(129 characters)": "a" * 129, "(200 digits)": "1" * 200}

# Cases in which a field error is an object under `msg`, which crashes the released client.
ERRORS_UNDER_MSG = {
    ("role__POST", "default-name"),
    ("role__POST", "schema-error"),
}


def _files() -> list[str]:
    return sorted(path.stem for path in SAMPLES.glob("*.json") if path.stem.split("_")[0] in NOUNS)


@pytest.mark.parametrize("stem", _files())
def test_recorded_exchanges_are_answered_alike(stem: str, make_world: Callable[..., Any]) -> None:
    sample = json.loads((SAMPLES / f"{stem}.json").read_text(encoding="utf-8"))
    world = make_world()
    replayed = 0
    problems = []
    for case in sample["cases"]:
        who = _speaker(case["caller"])
        if who is None:
            continue  # crafted tokens are tested with the tokens
        world.restore()
        with world.session() as session:
            _add_earlier_records(session, stem, case["case"])
        request = case["request"]
        answer = world.call(
            who,
            request["method"],
            request["path"].removeprefix("/api"),
            _filled_in(request.get("body")),
            query=request.get("query"),
        )
        replayed += 1
        problems += [f"{case['case']}: {problem}" for problem in _differences(stem, case, answer)]
    assert not problems
    assert replayed


def _filled_in(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {
        key: PLACEHOLDERS.get(value, value) if isinstance(value, str) else value
        for key, value in body.items()
    }


def _speaker(caller: str) -> str | None:
    kind, name, *_ = [*caller.split(), ""]
    return name if kind in {"user", "node"} else None


def _differences(stem: str, case: dict[str, Any], answer: Any) -> Iterator[str]:
    expected = case["response"]
    deliberate = DELIBERATE.get((stem, case["case"]))
    if answer.status_code != (deliberate or expected["status"]):
        yield f"answered {answer.status_code} {answer.json}"
        return
    assert answer.content_type == expected["content_type"]
    if deliberate is not None:
        return
    if answer.status_code >= 400:
        yield from _error_differences((stem, case["case"]), expected["body"], answer.json)
        return
    yield from differences(expected["body"], answer.json, "")
    for name, value in expected["headers"].items():
        if name != "Link" or "page=2>; rel=last" not in value:
            yield from differences(value, answer.headers.get(name), name)


def _error_differences(
    name: tuple[str, str], expected: dict[str, Any], body: dict[str, Any]
) -> Iterator[str]:
    if not isinstance(body["msg"], str):
        yield "msg is no text"
    errors = expected["msg"] if name in ERRORS_UNDER_MSG else expected.get("errors")
    if errors is not None:
        yield from differences(errors, body.get("errors"), "errors")


def _add_earlier_records(session: Session, stem: str, case: str) -> None:
    if stem == "collaboration__GET" and case == "ok-algorithm_store_id":
        session.add(AlgorithmStore(id=1, name="s", url="https://s", collaboration_id=None))
    if stem.endswith("__GET") and "_id" not in stem:
        if stem == "role__GET":
            _add_roles(session)
        return
    _add_organizations(session, stem, case)
    two = [session.get_one(Organization, 2), session.get_one(Organization, 3)]
    if (stem, case) != ("study__POST", "created"):
        members = two[:1] if case == "not-member" else two
        session.add(Study(id=2, name="s2", collaboration_id=1, organizations=members))
    _add_roles(session, full=case != "not-in-role")
    _add_accounts(session, stem, case)
    if case.startswith("has-"):
        _add_task(session)


def _add_organizations(session: Session, stem: str, case: str) -> None:
    if stem == "organization__POST" and case.startswith("created"):
        return
    session.add_all(
        Organization(id=identity, name=name, domain="d", address1="s", zipcode="1", country="NL")
        for identity, name in ((5, "delta"), (6, "epsilon"))
    )
    session.flush()
    if stem.startswith(("collaboration", "node")):
        members = {2, 3, 4} | ({5} if stem == "node__POST" else set())
        _add_collaboration(
            session, members - ({3} if case in {"not-member", "org-not-member"} else set())
        )


def _add_collaboration(session: Session, member_ids: set[int]) -> None:
    members = [session.get_one(Organization, identity) for identity in sorted(member_ids)]
    session.add(Collaboration(id=3, name="tmpcol0", encrypted=False, organizations=members))
    session.flush()


def _add_roles(session: Session, *, full: bool = True) -> None:
    view = session.get_one(Rule, 29)
    listed = session.get_one(Rule, 39)
    own = session.get_one(Rule, 3)
    session.add(
        Role(
            id=8,
            name="myrole",
            description="x",
            organization_id=2,
            rules=[own, listed] if full else [own],
        )
    )
    session.add(Role(id=9, name="betarole", description="x", organization_id=3, rules=[view]))
    session.add_all(Role(id=identity, name="other", organization_id=2) for identity in (10, 11, 12))
    session.flush()


def _add_accounts(session: Session, stem: str, case: str) -> None:
    session.add(Role(id=13, name="betarole", organization_id=3))
    inside = stem == "collaboration_id_node__POST" and case == "already-in"
    inside = inside or (stem == "collaboration_id_node__DELETE" and case == "ok")
    session.add(
        Node(
            id=19,
            name="movable",
            organization_id=4,
            collaboration_id=3 if inside else None,
            status="offline",
        )
    )
    if stem.startswith("node"):
        in_third = None if stem == "node__POST" else 3
        session.add(
            Node(
                id=20, name="third", organization_id=4, collaboration_id=in_third, status="offline"
            )
        )
        if case == "ok-with-config":
            shared = session.get_one(Node, 2)
            shared.config = [
                NodeConfig(key="encryption", value="False"),
                NodeConfig(key="k", value=""),
            ]
    elif not case.startswith("created"):
        session.add(
            User(
                id=20,
                username="newu",
                email="newu@x.org",
                firstname="a",
                lastname="b",
                organization_id=2,
            )
        )
    session.flush()


def _add_task(session: Session) -> None:
    runs = [Run(organization_id=3, status="pending")]
    session.add(
        Task(collaboration_id=1, study_id=1, job_id=1, init_org_id=2, init_user_id=7, runs=runs)
    )
