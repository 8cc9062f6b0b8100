"""``/result`` (contract, rest-api section 4.9); the result of a run has the run's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_restful import Resource

from vantage6.server.models import Run
from vantage6.server.policy.principal import Principal
from vantage6.server.repositories.runs import result_options
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.run import run_filters
from vantage6.server.services.runs import find_run, select_runs

__all__ = ["ROUTES"]


class ResultCollection(Resource):
    """The results of all runs."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal) -> Answer:
        """List the visible ones, newest first."""
        dumper = Dumper(services().api_path)

        def dump(runs: Sequence[Run]) -> list[dict[str, Any]]:
            return [dumper.result(run) for run in runs]

        with services().work(write=False) as work:
            statement = select_runs(work, principal, run_filters(), result_options())
            return page_of(work.session, statement, Run, dump, newest_first=True)


class ResultItem(Resource):
    """The result of one run."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        with services().work(write=False) as work:
            run = find_run(work, principal, id, result_options())
            return Dumper(services().api_path).result(run)


ROUTES = (
    ("/result", ResultCollection),
    ("/result/<int:id>", ResultItem),
)
