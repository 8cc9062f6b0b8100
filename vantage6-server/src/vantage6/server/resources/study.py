"""``/study`` with its members (contract, rest-api section 4.6)."""

from __future__ import annotations

from typing import Any

from flask_restful import Resource

from vantage6.common.wire.rest.base import IdInput
from vantage6.common.wire.rest.study import StudyChange, StudyInput
from vantage6.server.models import Study
from vantage6.server.policy.principal import Principal
from vantage6.server.resources.auth import caller, services
from vantage6.server.resources.dump import Dumper
from vantage6.server.resources.paging import Answer, page_of
from vantage6.server.resources.query import defer_body, query_text
from vantage6.server.resources.request import included, load_body, query_flag, query_id
from vantage6.server.services import studies
from vantage6.server.services.studies import StudyFilter

__all__ = ["ROUTES"]


def _with_organizations() -> bool:
    return "organizations" in included()


class StudyCollection(Resource):
    """All studies."""

    @caller(user=True, node=True)
    def get(self, principal: Principal) -> Answer:
        """List the visible ones."""
        full = _with_organizations()
        wanted = StudyFilter(
            name=query_text("name"),
            organization_id=query_id("organization_id"),
            collaboration_id=query_id("collaboration_id"),
            with_organizations=full,
        )
        dumper = Dumper(services().api_path)
        with services().work(write=False) as work:
            statement = studies.listing(work, principal, wanted)
            return page_of(
                work.session,
                statement,
                Study,
                lambda items: [dumper.study(item, with_organizations=full) for item in items],
            )

    @caller(user=True)
    def post(self, principal: Principal) -> tuple[dict[str, Any], int]:
        """Create one."""
        values = load_body(StudyInput())
        with services().work() as work:
            study = studies.create(work, principal, values)
        return Dumper(services().api_path).study(study, with_organizations=True), 201


class StudyItem(Resource):
    """One study."""

    @caller(user=True, node=True, container=True)
    def get(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Show it."""
        full = _with_organizations()
        with services().work(write=False) as work:
            study = studies.get(work, principal, id, with_organizations=full)
        return Dumper(services().api_path).study(study, with_organizations=full)

    @caller(user=True)
    def patch(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Change it."""
        body = defer_body(StudyChange(), partial=True)
        with services().work() as work:
            study = studies.change(work, principal, id, body)
        return Dumper(services().api_path).study(study, with_organizations=True)

    @caller(user=True)
    def delete(self, principal: Principal, id: int) -> dict[str, Any]:  # noqa: A002 - path variable
        """Delete it."""
        with services().work() as work:
            studies.remove(work, principal, id, delete_dependents=query_flag("delete_dependents"))
        return {"msg": f"The study with id {id} is deleted."}


class StudyOrganizations(Resource):
    """The members of a study."""

    @caller(user=True)
    def post(self, principal: Principal, id: int) -> list[dict[str, Any]]:  # noqa: A002 - path variable
        """Add one."""
        body = defer_body(IdInput())
        with services().work() as work:
            members = studies.add_member(work, principal, id, body)
        return Dumper(services().api_path).organizations(members)

    @caller(user=True)
    def delete(self, principal: Principal, id: int) -> list[dict[str, Any]]:  # noqa: A002 - path variable
        """Take one out."""
        body = defer_body(IdInput())
        with services().work() as work:
            members = studies.remove_member(work, principal, id, body)
        return Dumper(services().api_path).organizations(members)


ROUTES = (
    ("/study", StudyCollection),
    ("/study/<int:id>", StudyItem),
    ("/study/<int:id>/organization", StudyOrganizations),
)
