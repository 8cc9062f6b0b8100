"""What the node tells the server about itself (contract, socket-events section 8)."""

from __future__ import annotations

from typing import Any

from vantage6.node.datasources import DataSources
from vantage6.node.policy.gate import Policies

__all__ = ["node_info"]


def node_info(*, is_encrypted: bool, policies: Policies, sources: DataSources) -> dict[str, Any]:
    """Return the payload of ``node_info_update``.

    Column names are part of what algorithms work on, which the server of an encrypted
    collaboration must not learn.
    """
    info: dict[str, Any] = {
        "encryption": is_encrypted,
        "allowed_algorithms": _algorithms(policies),
        "database_labels": list(sources.labels),
        "database_types": {f"db_type_{label}": type_ for label, type_ in sources.types.items()},
    }
    if policies.users:
        info["allowed_users"] = list(policies.users)
    if policies.organizations:
        info["allowed_orgs"] = list(policies.organizations)
    columns = {} if is_encrypted else sources.columns()
    if columns:
        info["database_columns"] = {f"columns_{label}": names for label, names in columns.items()}
    return info


def _algorithms(policies: Policies) -> str | list[str]:
    """Return the list of images as the contract has it, which knows no stores here."""
    if policies.algorithms:
        return [pattern.text for pattern in policies.algorithms]
    return "all" if policies.stores else []
