"""The gate every run has to pass; what is not allowed is refused."""

from __future__ import annotations

from dataclasses import dataclass

from vantage6.node.link.rest import ServerApi
from vantage6.node.policy.checks import (
    DigestLookup,
    ImagePermit,
    check_basics,
    check_initiator,
    permit_image,
    refuse_store,
)
from vantage6.node.policy.images import Pattern
from vantage6.node.runs.model import RunFacts

__all__ = ["Policies", "PolicyGate", "Verdict"]

NOTHING_ALLOWED = (
    "This node allows no algorithms yet; set policies.allowed_algorithms or "
    "policies.allowed_algorithm_stores in its configuration."
)


@dataclass(frozen=True)
class Policies:
    """The policies of a data station; an empty list is one that is not configured.

    Attributes
    ----------
    algorithms : tuple of Pattern
        Images that are allowed.
    stores : tuple of Pattern
        Addresses of algorithm stores whose algorithms are allowed.
    either_suffices : bool
        Whether one of these two lists is enough when both are configured.
    users, organizations : tuple of str
        Ids of users, and ids or names of organizations, that may start tasks.
    allows_basics : bool
        Whether the image with basic functions may be allowed at all.
    requires_pull : bool
        Whether an image that cannot be pulled may not be used from the local copy.
    """

    algorithms: tuple[Pattern, ...] = ()
    stores: tuple[Pattern, ...] = ()
    either_suffices: bool = False
    users: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    allows_basics: bool = True
    requires_pull: bool = True


@dataclass(frozen=True)
class Verdict:
    """What the gate says about a run.

    Attributes
    ----------
    refusal : str or None
        One sentence why it is not allowed; None if it is.
    pinned_image : str or None
        Exact image to run, if it is not the one of the task as written.
    """

    refusal: str | None = None
    pinned_image: str | None = None


class PolicyGate:
    """Asks all configured policies about a run.

    Parameters
    ----------
    policies : Policies
        What is configured.
    api : ServerApi
        For names of organizations and for stores.
    digest_of : callable, optional
        Looks up digests of images; without it, images are compared by name only.
    """

    def __init__(
        self, policies: Policies, api: ServerApi, digest_of: DigestLookup | None = None
    ) -> None:
        self._policies = policies
        self._api = api
        self._digest_of: DigestLookup = digest_of or (lambda _image: None)

    def check(self, facts: RunFacts) -> Verdict:
        """Say whether a run is allowed.

        Raises
        ------
        TransportError
            If the server cannot be asked now.
        """
        policies = self._policies
        if not policies.algorithms and not policies.stores:
            return Verdict(NOTHING_ALLOWED)
        if not policies.allows_basics and (refusal := check_basics(facts)):
            return Verdict(refusal)
        if policies.users or policies.organizations:
            refusal = check_initiator(facts, policies.users, policies.organizations, self._api)
            if refusal:
                return Verdict(refusal)
        return self._check_source(facts)

    def _check_source(self, facts: RunFacts) -> Verdict:
        """Ask the list of images and the list of stores; only configured ones count."""
        permit = self._permit_image(facts)
        if permit is not None:
            decides = permit.refusal is None if self._either_suffices else bool(permit.refusal)
            if decides or not self._policies.stores:
                return Verdict(permit.refusal, permit.pinned)
        refusal = refuse_store(facts, self._policies.stores, self._api)
        if refusal and permit is not None and permit.refusal:
            return Verdict(f"{permit.refusal} {refusal}")
        return Verdict(refusal, permit.pinned if permit else None)

    @property
    def _either_suffices(self) -> bool:
        return self._policies.either_suffices

    def _permit_image(self, facts: RunFacts) -> ImagePermit | None:
        if not self._policies.algorithms:
            return None
        return permit_image(facts.image, self._policies.algorithms, self._digest_of)
