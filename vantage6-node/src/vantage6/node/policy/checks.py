"""The single questions of the policy gate; each answers with a refusal or with nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vantage6.common.errors import ResponseError
from vantage6.node.link.failures import may_pass
from vantage6.node.link.rest import ServerApi
from vantage6.node.policy.images import Pattern, without_version
from vantage6.node.runs.model import RunFacts

__all__ = [
    "BASICS_IMAGE",
    "DigestLookup",
    "ImagePermit",
    "check_basics",
    "check_initiator",
    "permit_image",
    "refuse_store",
]

BASICS_IMAGE = "ghcr.io/vantage6/algorithm-basics"

DigestLookup = Callable[[str], "str | None"]
"""Returns the digest that the registry has for an image reference, or None."""


@dataclass(frozen=True)
class ImagePermit:
    """Answer of the image list.

    Attributes
    ----------
    refusal : str or None
        Why the image is not allowed; None if it is.
    pinned : str or None
        The exact image to run instead of what its tag may mean later, where the digest was what
        was compared.
    """

    refusal: str | None = None
    pinned: str | None = None


def check_basics(facts: RunFacts) -> str | None:
    """Refuse the image with basic functions, in all its versions."""
    if without_version(facts.image) == BASICS_IMAGE:
        return (
            f"The image {facts.image} is not allowed at this node, which has the policy "
            "allow_basics_algorithm switched off."
        )
    return None


def check_initiator(
    facts: RunFacts, users: tuple[str, ...], organizations: tuple[str, ...], api: ServerApi
) -> str | None:
    """Refuse a run that neither an allowed user nor an allowed organization asked for."""
    if str(facts.init_user_id) in users or str(facts.init_org_id) in organizations:
        return None
    names = [entry for entry in organizations if not entry.isdecimal()]
    if any(facts.init_org_id in _organization_ids(name, api) for name in names):
        return None
    return (
        f"The user {facts.init_user_id} of organization {facts.init_org_id} may not start tasks at "
        "this node; its policies allowed_users and allowed_organizations say who may."
    )


def permit_image(image: str, patterns: tuple[Pattern, ...], digest_of: DigestLookup) -> ImagePermit:
    """Say whether the image is on the list (contract, node-config section 5).

    Literal entries may also name the image without version, or another name of the same digest.
    """
    if any(pattern.fits(image) or pattern.fits_any_version(image) for pattern in patterns):
        return ImagePermit()
    for pattern in patterns:
        if pattern.names_same_image(image):
            digest = digest_of(image)
            if digest is not None and digest == digest_of(pattern.text):
                return ImagePermit(pinned=f"{image.partition('@')[0]}@{digest}")
    hint = ""
    for pattern in patterns:
        if pattern.fits_start(image):
            hint = (
                f" The entry {pattern.text!r} fits the beginning of the name only; an entry has "
                "to fit all of it."
            )
    return ImagePermit(
        f"The image {image} is not allowed at this node; ask the data station to add it to its "
        f"allowed_algorithms.{hint}"
    )


def refuse_store(facts: RunFacts, patterns: tuple[Pattern, ...], api: ServerApi) -> str | None:
    """Refuse an image that does not come from a store on the list."""
    if facts.store_id is None:
        return (
            "The task does not name an algorithm store, and this node only allows algorithms from "
            "its allowed_algorithm_stores."
        )
    url = _store_url(facts.store_id, api)
    if not any(pattern.fits(url) for pattern in patterns):
        return (
            f"The algorithm store {url or facts.store_id} is not among the "
            "allowed_algorithm_stores of this node."
        )
    if not api.store_offers(url, facts.image):
        return f"The algorithm store {url} does not confirm that it offers the image {facts.image}."
    return None


def _organization_ids(name: str, api: ServerApi) -> list[int]:
    try:
        return api.organizations_named(name)
    except ResponseError as error:
        if may_pass(error):
            raise
        return []


def _store_url(store_id: int, api: ServerApi) -> str:
    try:
        return api.store_url(store_id)
    except ResponseError as error:
        if may_pass(error):
            raise
        return ""
