"""The contract's checks A to D, as functions of their arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vantage6.common.enums import Operation, Scope
from vantage6.server.policy import decide
from vantage6.server.policy.decide import Reach, Target
from vantage6.server.policy.principal import (
    ContainerPrincipal,
    NodePrincipal,
    RuleKey,
    UserPrincipal,
)
from vantage6.server.policy.rules import RULES
from vantage6.server.services.errors import Forbidden

OWN, ORG, COL, GLO = Scope.OWN, Scope.ORGANIZATION, Scope.COLLABORATION, Scope.GLOBAL
VIEW = Operation.VIEW

# The caller is user 7 of organization 2, in collaborations 1 (with 3) and 2 (with 4).
REACH = Reach(frozenset({1, 2}), frozenset({2, 3, 4}))


def _user(*scopes: Scope) -> UserPrincipal:
    return UserPrincipal(7, 2, frozenset(RuleKey("thing", scope, VIEW) for scope in scopes))


def _may(scope: Scope, target: Target) -> bool:
    return decide.may(_user(scope), "thing", VIEW, target, REACH)


@pytest.mark.parametrize(
    ("scope", "organization_id", "allowed"),
    [
        (GLO, 99, True),
        (COL, 2, True),
        (COL, 3, True),
        (COL, 99, False),
        (ORG, 2, True),
        (ORG, 3, False),
        (OWN, 2, False),
    ],
)
def test_check_a_looks_at_the_organization(
    scope: Scope, organization_id: int, allowed: bool
) -> None:
    assert _may(scope, Target(organization_id=organization_id)) is allowed


@pytest.mark.parametrize(
    ("scope", "organization_id", "collaboration_id", "allowed"),
    [
        (GLO, 99, 99, True),
        (COL, 99, 1, True),
        (COL, 2, 99, False),
        (ORG, 2, 99, True),
        (ORG, 3, 1, False),
    ],
)
def test_check_b_looks_at_the_collaboration_for_collaboration_scope(
    scope: Scope, organization_id: int, collaboration_id: int, allowed: bool
) -> None:
    target = Target(organization_id=organization_id, collaboration_id=collaboration_id)
    assert _may(scope, target) is allowed


@pytest.mark.parametrize(
    ("scope", "collaboration_id", "allowed"),
    [(GLO, 99, True), (COL, 1, True), (COL, 99, False), (ORG, 1, False), (OWN, 1, False)],
)
def test_check_c_is_never_passed_by_organization_scope(
    scope: Scope, collaboration_id: int, allowed: bool
) -> None:
    assert _may(scope, Target(collaboration_id=collaboration_id)) is allowed


@pytest.mark.parametrize(("members", "allowed"), [({2, 3}, True), ({3}, False)])
def test_organization_scope_covers_what_the_organization_takes_part_in(
    members: set[int], allowed: bool
) -> None:
    target = Target(collaboration_id=99, member_ids=frozenset(members))
    assert _may(ORG, target) is allowed


@pytest.mark.parametrize(("owner", "allowed"), [(7, True), (8, False), (None, False)])
def test_own_scope_covers_what_is_the_callers(owner: int | None, allowed: bool) -> None:
    assert _may(OWN, Target(organization_id=3, owner_id=owner)) is allowed


def test_nodes_own_nothing_even_if_ids_agree() -> None:
    node = NodePrincipal(7, 2, 1, frozenset({RuleKey("thing", OWN, VIEW)}))
    assert not decide.may(node, "thing", VIEW, Target(owner_id=7), REACH)


def test_a_role_without_organization_is_covered_by_global_scope_only() -> None:
    target = Target(organization_id=None)
    assert [_may(scope, target) for scope in (OWN, ORG, COL, GLO)] == [False, False, False, True]


def test_each_scope_held_counts_by_itself() -> None:
    user = _user(ORG, COL)
    assert decide.may(user, "thing", VIEW, Target(organization_id=2, collaboration_id=99), REACH)


def test_nothing_outside_its_collaboration_is_open_to_a_container() -> None:
    rules = frozenset(RuleKey("thing", scope, VIEW) for scope in Scope)
    container = ContainerPrincipal(3, 2, 1, None, None, 5, "img", rules=rules)
    reach = Reach(frozenset({1}), frozenset({2, 3}))
    inside = Target(organization_id=2, collaboration_id=1)
    outside = Target(organization_id=2, collaboration_id=2, member_ids=frozenset({2}))
    assert decide.may(container, "thing", VIEW, inside, reach)
    assert not decide.may(container, "thing", VIEW, outside, reach)


def test_other_resources_and_operations_do_not_count() -> None:
    user = _user(GLO)
    assert not decide.may(user, "other", VIEW, Target(), REACH)
    assert not decide.may(user, "thing", Operation.EDIT, Target(), REACH)


def test_a_refusal_names_operation_and_resource() -> None:
    with pytest.raises(Forbidden, match="view this thing"):
        decide.require(_user(), "thing", VIEW, Target(organization_id=2), REACH)


def test_a_scope_may_be_demanded_whatever_the_object() -> None:
    decide.require_scope(_user(GLO), "thing", VIEW)
    decide.require_scope(_user(COL), "thing", VIEW, COL)
    with pytest.raises(Forbidden):
        decide.require_scope(_user(COL), "thing", VIEW)
    with pytest.raises(Forbidden):
        decide.require_scope(_user(), "thing", VIEW, OWN)


@given(st.sets(st.sampled_from(Scope)), st.sampled_from(Scope))
def test_check_d_asks_for_the_same_rule_with_at_least_that_scope(
    held: set[Scope], given_scope: Scope
) -> None:
    user = _user(*held)
    rank = decide.SCOPES.index
    expected = any(rank(scope) >= rank(given_scope) for scope in held)
    assert decide.holds(user, RuleKey("thing", given_scope, VIEW)) is expected


def test_check_d_names_the_rule_that_is_missing() -> None:
    with pytest.raises(Forbidden, match="task GLOBAL CREATE"):
        decide.require_held(_user(GLO), [RuleKey("task", GLO, Operation.CREATE)])


def test_who_holds_all_rules_may_give_all_rules() -> None:
    decide.require_held(UserPrincipal(1, 1, frozenset(RULES)), RULES)


@given(st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_global_scope_covers_everything(
    organization_id: int, collaboration_id: int, owned: bool
) -> None:
    target = Target(organization_id, collaboration_id, 7 if owned else None)
    assert decide.may(_user(GLO), "thing", VIEW, target, Reach())
