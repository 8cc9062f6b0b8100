"""Runs from offer to acknowledgement, with a server and an engine that misbehave."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from vantage6.common.crypto.keys import create_private_key
from vantage6.common.crypto.rsa import RsaCryptor
from vantage6.node.link.inbox import KillOrder
from vantage6.node.runner.base import RunSpec
from vantage6.node.testing.engine import FakeEngine
from vantage6.node.testing.simulator import ServerSimulator
from vantage6.node.testing.station import SteppedNode, settings_for_tests


def done(_spec: RunSpec) -> tuple[int, bytes]:
    return 0, b'"done"'


def test_a_run_goes_through_its_statuses_and_delivers_its_result(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.settle()

    run = server.runs[1]
    assert server.statuses[1] == ["initializing", "active", "completed"]
    assert base64.b64decode(run["result"]) == b'"done"'
    assert run["log"] == "The algorithm ended with exit code 0."
    assert run["started_at"] is not None
    assert [data["status"] for _, data in node.events] == server.statuses[1]
    assert node.events[-1][1] == {
        "node_id": 7,
        "status": "completed",
        "run_id": 1,
        "task_id": 101,
        "collaboration_id": 1,
        "organization_id": 1,
        "parent_id": None,
    }


def test_all_pages_of_open_runs_are_taken(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    for run_id in range(1, 8):
        server.add_run(run_id)
    SteppedNode(tmp_path, server, engine).settle()

    assert {run["status"] for run in server.runs.values()} == {"completed"}


def test_a_run_needs_few_requests(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    node = SteppedNode(tmp_path, server, engine)
    node.settle()
    server.add_run(1)
    server.calls.clear()
    node.parts.task_created(101)
    node.settle()

    assert server.calls == ["GET /run", "POST /token/container", *["PATCH /run/1"] * 3]


def test_a_run_offered_again_and_again_is_executed_once(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    for _ in range(3):
        node.parts.task_created(101)
        node.parts.server_connected()
        node.parts.resync.work_off()
    node.wait_and_settle()
    node.wait_and_settle()

    assert engine.starts[1] == 1
    assert server.results[1] == 1


def test_a_result_is_delivered_when_the_server_comes_back(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.parts.resync.work_off()
    for _ in range(4):
        node.parts.manager.work_off()
        node.turn()
        server.is_down = "POST /token/container" in server.calls
    for _ in range(5):
        node.turn()
        node.clock.advance(5.0)
    assert server.results[1] == 0
    assert node.parts.outbox.holds_final(1)

    server.is_down = False
    node.wait_and_settle()
    assert server.runs[1]["status"] == "completed"
    assert engine.starts[1] == 1


def test_a_proxy_page_instead_of_the_server_loses_no_result(
    tmp_path: Path, server: ServerSimulator
) -> None:
    def last_moment(_spec: RunSpec) -> tuple[int, bytes]:
        server.shows_page = True
        return 0, b"1"

    server.add_run(1)
    node = SteppedNode(tmp_path, server, FakeEngine(last_moment))
    node.settle()
    assert server.results[1] == 0

    server.shows_page = False
    node.wait_and_settle()
    assert server.runs[1]["result"] == "MQ=="


def test_a_server_that_forgot_all_tokens_is_logged_in_to_again(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    node = SteppedNode(tmp_path, server, engine)
    server.add_run(1)
    server.forget_tokens()
    node.settle()

    assert server.runs[1]["status"] == "completed"


def test_a_crash_of_the_algorithm_is_reported_with_its_exit_code(
    tmp_path: Path, server: ServerSimulator
) -> None:
    server.add_run(1)
    SteppedNode(tmp_path, server, FakeEngine(lambda _spec: (3, b""))).settle()

    assert server.runs[1]["status"] == "crashed"
    assert "exit code 3" in server.runs[1]["log"]
    assert server.runs[1]["result"] == ""


def test_a_run_without_a_result_fails_and_says_what_was_expected(
    tmp_path: Path, server: ServerSimulator
) -> None:
    server.add_run(1)
    SteppedNode(tmp_path, server, FakeEngine(lambda _spec: (0, b""))).settle()

    assert server.runs[1]["status"] == "failed"
    assert "wrote no result" in server.runs[1]["log"]


def test_a_run_that_is_not_allowed_ends_with_one_sentence(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1, image="evil:1")
    SteppedNode(tmp_path, server, engine).settle()

    run = server.runs[1]
    assert run["status"] == "not allowed"
    assert "evil:1" in run["log"]
    assert run["finished_at"] is not None
    assert engine.starts[1] == 0


def test_a_missing_database_is_named(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1, databases=[{"label": "hospital", "parameters": "{}"}])
    SteppedNode(tmp_path, server, engine).settle()

    assert server.runs[1]["status"] == "failed"
    assert "'hospital'" in server.runs[1]["log"]


def test_a_refused_token_fails_the_run_with_an_end(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    server.runs[1]["status"] = "failed"  # its task counts as finished, the run itself as open
    SteppedNode(tmp_path, server, engine).settle()

    assert "Task is already finished!" in server.runs[1]["log"]
    assert server.runs[1]["finished_at"] is not None


def test_a_killed_run_is_stopped_removed_and_reported(
    tmp_path: Path, server: ServerSimulator
) -> None:
    engine = FakeEngine(done)
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.parts.resync.work_off()
    while not engine.starts[1]:
        node.turn()
    node.parts.kill_ordered(KillOrder(frozenset({1})))
    node.work_off()

    assert server.runs[1]["status"] == "killed by user"
    assert engine.containers == {}


def test_a_run_killed_before_it_was_picked_up_ends_with_its_first_report(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    server.add_run(2, task_id=101)  # so that the task goes on
    node = SteppedNode(tmp_path, server, engine)
    node.parts.resync.work_off()
    server.finish(1)  # the order itself came before the list in which the run was open
    node.work_off()

    assert engine.starts[1] == 0
    assert node.parts.manager.open_run_ids() == frozenset()
    assert [data["status"] for _, data in node.events if data["run_id"] == 1] == ["killed by user"]


def test_a_status_that_the_server_does_not_take_is_not_told_to_others(
    tmp_path: Path, server: ServerSimulator
) -> None:
    def kill_at_last(_spec: RunSpec) -> tuple[int, bytes]:
        server.finish(1)
        return 0, b"1"

    server.add_run(1)
    node = SteppedNode(tmp_path, server, FakeEngine(kill_at_last))
    node.settle()

    assert "completed" not in [data["status"] for _, data in node.events]


def test_an_order_for_all_runs_ends_waiting_ones_too(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    settings = settings_for_tests(max_concurrent_runs=1)
    for run_id in (1, 2, 3):
        server.add_run(run_id)
    node = SteppedNode(tmp_path, server, engine, settings=settings)
    node.parts.resync.work_off()
    node.parts.manager.work_off()
    node.parts.kill_ordered(KillOrder(None))
    node.work_off()

    assert {run["status"] for run in server.runs.values()} == {"killed by user"}
    assert sum(engine.starts.values()) == 0


def test_a_run_that_the_server_ended_meanwhile_is_stopped_at_the_next_comparison(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    settings = settings_for_tests(max_concurrent_runs=1)
    server.add_run(1)
    server.add_run(2)
    node = SteppedNode(tmp_path, server, engine, settings=settings)
    node.parts.resync.work_off()
    node.parts.manager.work_off()
    server.finish(2)
    node.wait_and_settle()

    assert engine.starts == {1: 1}
    assert server.runs[2]["status"] == "killed by user"
    assert node.parts.manager.open_run_ids() == frozenset()


def test_a_result_the_server_lost_is_excused_once_and_the_run_not_repeated(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.settle()
    server.runs[1].update(status="active", finished_at=None, result=None)
    node.wait_and_settle()

    assert engine.starts[1] == 1
    assert server.runs[1]["status"] == "failed"
    assert "lost" in server.runs[1]["log"]


def test_a_replaced_server_database_does_not_get_results_of_the_old_one(
    tmp_path: Path, server: ServerSimulator
) -> None:
    engine = FakeEngine(done)
    server.add_run(1)
    node = SteppedNode(tmp_path, server, engine)
    node.parts.resync.work_off()
    while not engine.starts[1]:
        node.turn()
    server.add_run(1, created_at="2026-11-20T00:00:00.000000")
    node.parts.server_connected()
    node.settle()
    assert server.runs[1]["result"] is None

    node.wait_and_settle()
    assert engine.starts[1] == 2
    assert server.runs[1]["status"] == "completed"


def test_a_refused_result_becomes_a_failed_run_with_the_reason(
    tmp_path: Path, server: ServerSimulator
) -> None:
    engine = FakeEngine(lambda _spec: (0, json.dumps("x" * 5000).encode()))
    server.largest_body = 2000
    server.add_run(1)
    SteppedNode(tmp_path, server, engine).settle()

    assert server.runs[1]["status"] == "failed"
    assert "could not be delivered" in server.runs[1]["log"]


def test_a_large_result_arrives_whole(tmp_path: Path, server: ServerSimulator) -> None:
    output = json.dumps("x" * 1_000_000).encode()
    server.add_run(1)
    SteppedNode(tmp_path, server, FakeEngine(lambda _spec: (0, output))).settle()

    assert base64.b64decode(server.runs[1]["result"]) == output


def test_a_result_goes_to_the_blob_store_when_the_run_is_kept_there(
    tmp_path: Path, server: ServerSimulator, engine: FakeEngine
) -> None:
    server.add_run(1, input_text="aaaa-bbbb")
    server.blobs["aaaa-bbbb"] = base64.b64encode(b'{"method": "m"}')
    server.runs[1]["blob_storage_used"] = True
    SteppedNode(tmp_path, server, engine).settle()

    assert base64.b64decode(server.blobs[server.runs[1]["result"]]) == b'"done"'


def test_the_input_reaches_the_algorithm_decrypted_and_the_result_its_receiver(
    tmp_path: Path,
) -> None:
    ours = RsaCryptor(create_private_key(tmp_path / "ours.pem", bits=2048))
    theirs = RsaCryptor(create_private_key(tmp_path / "theirs.pem", bits=2048))
    server = ServerSimulator(encrypted=True)
    server.keys = {1: ours.public_key, 2: theirs.public_key}
    seen: list[bytes] = []

    def echo(spec: RunSpec) -> tuple[int, bytes]:
        seen.append((spec.folder / "input").read_bytes())
        return 0, b'{"answer": 42}'

    server.add_run(1, input_text=theirs.encrypt(b'{"method": "secret"}', ours.public_key))
    SteppedNode(tmp_path / "node", server, FakeEngine(echo), cryptor=ours).settle()

    assert seen == [b'{"method": "secret"}']
    assert theirs.decrypt(server.runs[1]["result"]) == b'{"answer": 42}'


def test_an_input_for_another_key_fails_the_run_with_one_sentence(
    tmp_path: Path, engine: FakeEngine
) -> None:
    ours = RsaCryptor(create_private_key(tmp_path / "ours.pem", bits=2048))
    theirs = RsaCryptor(create_private_key(tmp_path / "theirs.pem", bits=2048))
    server = ServerSimulator(encrypted=True)
    server.keys = {1: ours.public_key, 2: theirs.public_key}
    server.add_run(1, input_text=ours.encrypt(b"{}", theirs.public_key))
    SteppedNode(tmp_path / "node", server, engine, cryptor=ours).settle()

    assert server.runs[1]["status"] == "failed"
    assert "private key" in server.runs[1]["log"]
    assert engine.starts[1] == 0


def test_a_receiver_without_key_fails_the_run_instead_of_losing_it(
    tmp_path: Path, engine: FakeEngine
) -> None:
    ours = RsaCryptor(create_private_key(tmp_path / "ours.pem", bits=2048))
    server = ServerSimulator(encrypted=True)
    server.keys[1] = ours.public_key
    server.add_run(1, input_text=ours.encrypt(b"{}", ours.public_key))
    SteppedNode(tmp_path / "node", server, engine, cryptor=ours).settle()

    assert server.runs[1]["status"] == "failed"
    assert "no public key" in server.runs[1]["log"]


def test_logs_stay_at_the_station_unless_they_are_shared(
    tmp_path: Path, server: ServerSimulator
) -> None:
    for run_id, shares in ((1, False), (2, True)):
        folder = tmp_path / str(shares)
        server.runs.clear()
        server.add_run(run_id)
        settings = settings_for_tests(share_algorithm_logs=shares)
        node = SteppedNode(folder, server, FakeEngine(done), settings=settings)
        node.folders.run_log(run_id).write_text("patient 17 looks odd\n")
        node.settle()
        assert ("patient 17" in server.runs[run_id]["log"]) is shares


def test_tokens_speak_for_a_run_only_while_it_is_active(
    tmp_path: Path, server: ServerSimulator
) -> None:
    valid: list[bool] = []

    def look(spec: RunSpec) -> tuple[int, bytes]:
        token = (spec.folder / "token").read_text()
        valid.append(node.tokens.find(token) is not None)
        tokens.append(token)
        return 0, b"1"

    tokens: list[str] = []
    server.add_run(1)
    node = SteppedNode(tmp_path, server, FakeEngine(look))
    node.settle()

    assert valid == [True]
    assert node.tokens.find(tokens[0]) is None
