"""What every start makes sure of: rules, default roles, and somebody who may log in.

All of it is idempotent and happens in one transaction, so instances that start together on an empty
database end up with one set of roles and one root (contract, rbac section 1, server-behaviour 2).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from vantage6.common.errors import ConfigurationError
from vantage6.common.wire.rest.user import password_problem
from vantage6.server.models import Organization, Role, Rule, User
from vantage6.server.policy.principal import RuleKey
from vantage6.server.policy.roles import DEFAULT_ROLES, ROOT_ROLE, RoleDefinition
from vantage6.server.policy.rules import RULES, describe
from vantage6.server.repositories.unit_of_work import OpenWork
from vantage6.server.services.passwords import Passwords, generate_password, is_bcrypt
from vantage6.server.services.tokens import ensure_pepper

__all__ = ["FirstStart", "prepare"]

_log = logging.getLogger(__name__)

_ROOT = "root"
_ROOT_EMAIL = "root@domain.ext"
_PLAIN = "V6_INIT_SUPER_PASS"
_HASHED = "V6_INIT_SUPER_PASS_HASHED"
_HASHED_FILE = "V6_INIT_SUPER_PASS_HASHED_FILE"
_SHORTEST_HASH = 60


@dataclass(frozen=True)
class FirstStart:
    """What a start added.

    Parameters
    ----------
    root_created : bool
        Whether this start made the user ``root``.
    generated_password : str or None
        Its password, if nobody chose one. It is stored nowhere: show it to the administrator once.
    """

    root_created: bool = False
    generated_password: str | None = None


@dataclass(frozen=True)
class _RootPassword:
    hashed: str
    generated: str | None = None


def prepare(
    open_work: OpenWork, passwords: Passwords, environment: Mapping[str, str]
) -> FirstStart:
    """Make sure that rules, default roles and the user ``root`` are there.

    Parameters
    ----------
    environment : mapping
        May name the first password of root: ``V6_INIT_SUPER_PASS_HASHED_FILE`` (file with a bcrypt
        hash), ``V6_INIT_SUPER_PASS_HASHED`` (bcrypt hash) or ``V6_INIT_SUPER_PASS`` (the password).

    Raises
    ------
    ConfigurationError
        If root is missing and the password in the environment cannot be used.
    """
    with open_work(write=False) as work:
        has_root = _find_root(work.session) is not None
    password = None if has_root else _root_password(passwords, environment)
    with open_work() as work:
        work.serialize("first start")
        ensure_pepper(work.session)
        rules = _register_rules(work.session)
        root_role = _register_roles(work.session, rules)
        created = password is not None and _create_root(work.session, password.hashed, root_role)
        work.commit()
    if password is None or not created:
        return FirstStart()
    return FirstStart(root_created=True, generated_password=password.generated)


def _find_root(session: Session) -> int | None:
    return session.scalar(select(User.id).where(User.username == _ROOT))


def _register_rules(session: Session) -> dict[RuleKey, Rule]:
    present = {
        RuleKey(rule.name, rule.scope, rule.operation): rule
        for rule in session.scalars(select(Rule))
    }
    for key in RULES:
        if key not in present:
            present[key] = Rule(
                name=key.resource,
                scope=key.scope,
                operation=key.operation,
                description=describe(key),
            )
            session.add(present[key])
    session.flush()
    return present


def _register_roles(session: Session, rules: Mapping[RuleKey, Rule]) -> Role | None:
    """Create or reset the default roles; return Root unless its name is taken."""
    present: dict[str, Role] = {}
    for role in session.scalars(
        select(Role).where(Role.name.in_(DEFAULT_ROLES)).options(selectinload(Role.rules))
    ):
        if role.is_default_role or role.name not in present:
            present[role.name] = role
    for name, definition in DEFAULT_ROLES.items():
        found = present.get(name)
        if found is None:
            found = present[name] = Role(name=name, is_default_role=True)
            session.add(found)
        if found.is_default_role:
            _reset(found, definition, rules)
        else:
            _log.warning("default role skipped, because another role is named %r", name)
        session.flush()
    root = present[ROOT_ROLE]
    return root if root.is_default_role else None


def _reset(role: Role, definition: RoleDefinition, rules: Mapping[RuleKey, Rule]) -> None:
    wanted = [rules[key] for key in definition.rules]
    if definition.only_grows:
        wanted = role.rules + [rule for rule in wanted if rule not in role.rules]
    if set(role.rules) != set(wanted):
        role.rules = wanted
    if role.description != definition.description:
        role.description = definition.description


def _create_root(session: Session, hashed: str, role: Role | None) -> bool:
    if _find_root(session) is not None:
        return False  # another instance was faster
    organization = session.scalar(select(Organization).where(Organization.name == _ROOT))
    root = User(
        username=_ROOT,
        password=hashed,
        email=_ROOT_EMAIL,
        organization=organization or Organization(name=_ROOT),
    )
    if role is not None:
        root.roles = [role]
    else:
        root.rules = list(session.scalars(select(Rule)))
    session.add(root)
    return True


def _root_password(passwords: Passwords, environment: Mapping[str, str]) -> _RootPassword:
    if environment.get(_HASHED_FILE):
        return _RootPassword(
            _checked_hash(_read(environment[_HASHED_FILE]), _HASHED_FILE, passwords)
        )
    if environment.get(_HASHED):
        return _RootPassword(_checked_hash(environment[_HASHED], _HASHED, passwords))
    plain = environment.get(_PLAIN)
    if plain:
        problem = password_problem(plain)
        if problem:
            _log.warning("the password in %s is weak: %s", _PLAIN, problem)
        return _RootPassword(passwords.hash(plain))
    generated = generate_password()
    return _RootPassword(passwords.hash(generated), generated)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The file {path}, named by {_HASHED_FILE}, cannot be read; "
            "put the bcrypt hash of root's password there."
        ) from error


def _checked_hash(text: str, source: str, passwords: Passwords) -> str:
    hashed = text.strip()
    if not is_bcrypt(hashed) or len(hashed) < _SHORTEST_HASH or passwords.verify("", hashed):
        raise ConfigurationError(
            f"{source} holds no bcrypt hash of a non-empty password; "
            "put one there that starts with $2b$ and has 60 characters."
        )
    return hashed
