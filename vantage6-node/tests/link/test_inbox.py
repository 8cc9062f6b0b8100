"""Which socket events concern this node."""

from __future__ import annotations

from typing import Any

import pytest

from vantage6.node.identity import NodeIdentity
from vantage6.node.link.inbox import Inbox, KillOrder, read_kill_order

NODE = NodeIdentity(
    node_id=7,
    node_name="n",
    organization_id=1,
    organization_name="o",
    collaboration_id=3,
    encrypted=False,
)


class Recorder:
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def server_connected(self) -> None:
        self.calls.append("connected")

    def task_created(self, task_id: int) -> None:
        self.calls.append(task_id)

    def kill_ordered(self, order: KillOrder) -> None:
        self.calls.append(order)


def received(event: str, data: Any) -> list[Any]:
    recorder, inbox = Recorder(), Inbox(NODE)
    inbox.connect(recorder)
    inbox.put(event, data)
    return recorder.calls


def entry(run_id: int, organization_id: int = 1) -> dict[str, int]:
    return {"task_id": 9, "run_id": run_id, "organization_id": organization_id}


def test_sync_and_new_tasks_are_passed_on() -> None:
    assert received("sync", None) == ["connected"]
    assert received("new_task", {"id": 5, "parent_id": None}) == [5]


@pytest.mark.parametrize("data", [None, [], {}, {"id": "5"}, "text"])
def test_a_malformed_new_task_is_left_aside(data: Any) -> None:
    assert received("new_task", data) == []


def test_other_events_are_ignored() -> None:
    assert received("node-online", {"id": 1}) == []
    assert received("anything", None) == []


def test_a_kill_list_means_the_runs_of_our_organization() -> None:
    data = {"kill_list": [entry(1), entry(2, organization_id=2)], "collaboration_id": 3}

    assert received("kill_containers", data) == [KillOrder(frozenset({1}))]


def test_an_order_for_our_node_without_a_list_means_all_runs() -> None:
    assert read_kill_order({"node_id": 7, "collaboration_id": 3}, NODE) == KillOrder(None)


@pytest.mark.parametrize(
    "data",
    [
        {"kill_list": [], "collaboration_id": 3},
        {"collaboration_id": 3},
        {},
        None,
        {"kill_list": [entry(1)], "collaboration_id": 4},
        {"node_id": 8, "collaboration_id": 3},
        {"node_id": 8, "kill_list": [entry(1)], "collaboration_id": 3},
        {"kill_list": [entry(1, organization_id=2)], "collaboration_id": 3},
        {"kill_list": ["nonsense", {"run_id": "1", "organization_id": 1}], "collaboration_id": 3},
    ],
)
def test_orders_that_mean_no_run_of_ours_do_nothing(data: Any) -> None:
    assert read_kill_order(data, NODE) is None
