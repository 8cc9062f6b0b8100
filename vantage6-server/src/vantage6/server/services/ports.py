"""Ports on which algorithms can be reached over the VPN."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from vantage6.server.models import AlgorithmPort, Run, Task
from vantage6.server.policy.principal import NodePrincipal
from vantage6.server.repositories.statements import affect
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.errors import Forbidden, NotFound

__all__ = ["NewPort", "add_port", "remove_ports"]


@dataclass(frozen=True)
class NewPort:
    """A port that shall be announced."""

    run_id: int
    port: int
    label: str | None


def add_port(uow: UnitOfWork, node: NodePrincipal, command: NewPort) -> AlgorithmPort:
    """Announce a port of one of the node's runs.

    Raises
    ------
    NotFound, Forbidden
        If there is no such run, or another node has to execute it.
    """
    _require_own(uow, node, command.run_id)
    port = AlgorithmPort(run_id=command.run_id, port=command.port, label=command.label)
    uow.session.add(port)
    uow.commit()
    return port


def remove_ports(uow: UnitOfWork, node: NodePrincipal, run_id: int) -> None:
    """Withdraw all ports of one of the node's runs.

    Raises
    ------
    NotFound, Forbidden
        If there is no such run, or another node has to execute it.
    """
    _require_own(uow, node, run_id)
    affect(uow.session, delete(AlgorithmPort).where(AlgorithmPort.run_id == run_id))
    uow.commit()


def _require_own(uow: UnitOfWork, node: NodePrincipal, run_id: int) -> None:
    row = uow.session.execute(
        select(Run.organization_id, Task.collaboration_id).join(Task).where(Run.id == run_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no run {run_id}.", field="run_id")
    if (row.organization_id, row.collaboration_id) != (node.organization_id, node.collaboration_id):
        raise Forbidden(f"Run {run_id} belongs to another node, so its ports are not yours.")
