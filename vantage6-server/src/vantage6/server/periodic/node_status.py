"""Nodes that fell silent without a word are set offline (contract, server-behaviour section 4)."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import or_, select, update

from vantage6.common.enums import AuthStatus
from vantage6.common.wire.socket import PING_INTERVAL
from vantage6.server.models import Authenticatable, Node
from vantage6.server.periodic import PeriodicJob
from vantage6.server.repositories.statements import affect
from vantage6.server.wiring import Services

__all__ = ["LONGEST_SILENCE", "node_status_job", "set_silent_nodes_offline"]

_log = logging.getLogger(__name__)

LONGEST_SILENCE = PING_INTERVAL + 5.0
"""Seconds after which a node that did not ping counts as gone."""


def node_status_job(services: Services) -> PeriodicJob:
    """Return the job; no event is sent, because the socket of the node may still be there."""
    return PeriodicJob("node status", LONGEST_SILENCE, lambda: set_silent_nodes_offline(services))


def set_silent_nodes_offline(services: Services) -> None:
    """Set nodes offline that were not seen for too long; their next ping sets them online."""
    limit = services.clock.now() - timedelta(seconds=LONGEST_SILENCE)
    silent = or_(Authenticatable.last_seen < limit, Authenticatable.last_seen.is_(None))
    with services.work() as work:
        changed = affect(
            work.session,
            update(Authenticatable)
            .where(
                Authenticatable.id.in_(select(Node.__table__.c.id)),
                Authenticatable.status == AuthStatus.ONLINE.value,
                silent,
            )
            .values(status=AuthStatus.OFFLINE.value),
        )
        work.commit()
    if changed:
        _log.info("%d silent nodes set offline", changed)
