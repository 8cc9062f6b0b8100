"""``/run`` (contract, rest-api section 4.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_restful import Resource
from sqlalchemy.orm import Session

from vantage6.common.status import RunStatus
from vantage6.common.wire.rest.run import STATE_OPEN, RunReport
from vantage6.server.models import Run
from vantage6.server.policy.principal import NodePrincipal, Principal
from vantage6.server.repositories.runs import nodes_of_runs, run_options
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import defer_body, query_moment
from vantage6.server.resources.request import included, query_id
from vantage6.server.services.runs import Report, RunFilters, find_run, report, select_runs

__all__ = ["ROUTES", "run_filters"]


class RunCollection(Resource):
    """All runs."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal) -> Answer:
        """List the visible ones, newest first."""
        with_task = "task" in included()
        options = run_options(task=with_task)
        with services().work(write=False) as work:
            statement = select_runs(work, principal, run_filters(), options)

            def dump(runs: Sequence[Run]) -> list[dict[str, Any]]:
                return _dump(work.session, runs, with_task=with_task)

            return page_of(work.session, statement, Run, dump, newest_first=True)


class RunItem(Resource):
    """One run."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        with_task = "task" in included()
        with services().work(write=False) as work:
            run = find_run(work, principal, id, run_options(task=with_task))
            return _dump(work.session, [run], with_task=with_task)[0]

    @caller(node=True)
    def patch(self, principal: NodePrincipal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Take a node's report about it."""
        read_body = defer_body(RunReport(), partial=True)
        here = services()
        with here.work() as work:
            run, node = report(work, principal, id, lambda: _report(read_body()), here.clock)
        return Dumper(here.api_path).run(run, node)


def _report(body: dict[str, Any]) -> Report:
    status = body.pop("status", None)
    return Report(status=None if status is None else RunStatus(status), **body)


def run_filters() -> RunFilters:
    """Read the filters that lists of runs and of results share."""
    return RunFilters(
        organization_id=query_id("organization_id"),
        task_id=query_id("task_id"),
        node_id=query_id("node_id"),
        collaboration_id=query_id("collaboration_id"),
        port=query_id("port"),
        is_open=request.args.get("state") == STATE_OPEN,
        assigned_from=query_moment("assigned_from"),
        assigned_till=query_moment("assigned_till"),
        started_from=query_moment("started_from"),
        started_till=query_moment("started_till"),
        finished_from=query_moment("finished_from"),
        finished_till=query_moment("finished_till"),
    )


def _dump(session: Session, runs: Sequence[Run], *, with_task: bool) -> list[dict[str, Any]]:
    dumper = Dumper(services().api_path)
    nodes = nodes_of_runs(session, runs)
    return [
        dumper.run(
            run,
            nodes.get(run.id),
            task=dumper.task(run.task, as_part_of_run=True) if with_task else None,
        )
        for run in runs
    ]


ROUTES = (
    ("/run", RunCollection),
    ("/run/<int:id>", RunItem),
)
