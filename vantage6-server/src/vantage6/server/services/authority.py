"""What a principal may do, with the facts that decide it read when they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from sqlalchemy.orm import Session

from vantage6.common.enums import Operation, Scope
from vantage6.server.models import Rule
from vantage6.server.policy import decide
from vantage6.server.policy.decide import Reach, Target
from vantage6.server.policy.principal import Principal, RuleKey
from vantage6.server.repositories.principals import load_reach

__all__ = ["Authority"]


class Authority:
    """Decides for one principal inside one unit of work.

    The collaborations and partners of the caller's organization are read at most once, and only
    if a rule of collaboration scope makes them matter.
    """

    def __init__(self, session: Session, principal: Principal) -> None:
        self._session = session
        self.principal = principal

    @cached_property
    def _reach(self) -> Reach:
        return load_reach(self._session, self.principal)

    def _reach_for(self, resource: str, operation: Operation) -> Reach:
        held = decide.scopes(self.principal, resource, operation)
        matters = Scope.COLLABORATION in held and Scope.GLOBAL not in held
        return self._reach if matters else Reach()

    def may(self, resource: str, operation: Operation, target: Target) -> bool:
        """Tell whether the principal may do this to the target."""
        reach = self._reach_for(resource, operation)
        return decide.may(self.principal, resource, operation, target, reach)

    def require(self, resource: str, operation: Operation, target: Target) -> None:
        """Raise `Forbidden` unless :meth:`may`."""
        reach = self._reach_for(resource, operation)
        decide.require(self.principal, resource, operation, target, reach)

    def has_global(self, resource: str, operation: Operation) -> bool:
        """Tell whether the principal may do this to everybody's."""
        return decide.widest(self.principal, resource, operation) is Scope.GLOBAL

    def require_held(self, rules: Iterable[Rule]) -> None:
        """Raise `Forbidden` if a rule is given or taken that the principal does not hold."""
        decide.require_held(
            self.principal, (RuleKey(rule.name, rule.scope, rule.operation) for rule in rules)
        )
