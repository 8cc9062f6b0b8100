"""Getting images, and saying in one sentence why one cannot be got."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from docker.auth import resolve_repository_name
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import parse_repository_tag

from vantage6.common.status import RunStatus
from vantage6.node.runner.base import RunnerUnavailableError, StartError
from vantage6.node.runner.docker.engine import engine_errors, explanation
from vantage6.node.runner.options import RegistryLogin

__all__ = ["Images", "PullRefusal", "classify"]

_KEEP_AWAY = 30.0  # seconds in which an unreachable registry is not tried again
_DEFAULT_TAG = "latest"
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_UNREACHABLE = (
    "no such host",
    "connection refused",
    "connection reset",
    "network is unreachable",
    "no route to host",
    "i/o timeout",
    "timeout",
    "deadline exceeded",
    "server misbehaving",
    "temporary failure in name resolution",
    "proxyconnect",
    "x509",
    "tls:",
    "eof",
    "http response to https client",
)
_DENIED = ("denied", "unauthorized", "authentication required", "no basic auth", "forbidden")
_UNKNOWN = ("manifest unknown", "not found", "name unknown", "does not exist", "no such image")

_log = logging.getLogger(__name__)


class PullRefusal(StartError):  # noqa: N818 - a refusal is the error
    """An image cannot be pulled.

    Parameters
    ----------
    message : str
        One sentence with the image, the reason, and what to do.
    is_away : bool
        Whether the registry did not answer at all.
    is_news : bool
        Whether the registry was asked; False if it is only known to have been away just now.
    """

    def __init__(self, message: str, *, is_away: bool, is_news: bool = True) -> None:
        super().__init__(message, RunStatus.NO_DOCKER_IMAGE)
        self.is_away = is_away
        self.is_news = is_news


class Images:
    """The images of the engine, and the registries they come from.

    Parameters
    ----------
    api : docker.APIClient
        The engine.
    logins : Iterable of RegistryLogin
        Credentials; others are taken from this account's own Docker configuration.
    require_pull : bool
        Whether a local copy alone is not enough.
    """

    def __init__(
        self, api: Any, logins: Iterable[RegistryLogin] = (), *, require_pull: bool = True
    ) -> None:
        self._api = api
        self._logins = {_registry_key(login.registry): login for login in logins}
        self._require_pull = require_pull
        self._away_until: dict[str, float] = {}

    def ensure(self, image: str) -> None:
        """Pull an image, by exactly this reference, so that a run uses its newest content.

        Raises
        ------
        StartError
            If it cannot be pulled, unless a local copy is enough and there is one.
        """
        try:
            self._pull(image)
        except PullRefusal as refusal:
            if self._require_pull or not self.is_present(image):
                raise
            level = logging.WARNING if refusal.is_news else logging.DEBUG
            _log.log(level, "%s The local copy is used.", refusal)

    def ensure_present(self, image: str) -> None:
        """Pull an image only if there is no local copy; for helpers of the node itself."""
        if not self.is_present(image):
            self._pull(image)

    def is_present(self, image: str) -> bool:
        """Tell whether the engine has an image."""
        try:
            with engine_errors():
                self._api.inspect_image(image)
        except (ImageNotFound, APIError):
            return False
        return True

    def digest(self, image: str) -> str | None:
        """Return the digest the registry has for an image, or None if it cannot be known."""
        with engine_errors():
            try:
                answer = self._api.inspect_distribution(image, auth_config=self._login(image))
            except DockerException as error:  # also what the engine says of a registry that is away
                _log.info("The digest of %s is not known: %s", image, error)
                return None
        digest = (answer.get("Descriptor") or {}).get("digest")
        return str(digest) if digest else None

    def check_logins(self) -> None:
        """Try the credentials once, and warn about those that are not accepted."""
        for login in self._logins.values():
            try:
                with engine_errors():
                    self._api.login(
                        login.username, login.password, registry=login.registry, reauth=True
                    )
            except (DockerException, RunnerUnavailableError) as error:
                _log.warning(
                    "The registry %s does not accept the user %s (%s); correct docker_registries.",
                    login.registry,
                    login.username,
                    error,
                )

    def _pull(self, image: str) -> None:
        registry = _registry_of(image)
        if time.monotonic() < self._away_until.get(registry, 0.0) and not self._require_pull:
            reason = f"{registry} did not answer a moment ago"
            raise _refusal(image, reason, is_away=True, is_news=False)
        failure = self._failure(image)
        if failure is None:
            self._away_until.pop(registry, None)
            return
        refusal = classify(image, failure)
        if refusal.is_away:
            self._away_until[registry] = time.monotonic() + _KEEP_AWAY
        raise refusal

    def _failure(self, image: str) -> str | None:
        """Pull, and return the registry's reason if that fails."""
        repository, tag = parse_repository_tag(image)
        reason: str | None = None
        with engine_errors():
            try:
                for step in self._api.pull(
                    repository,
                    tag=tag or _DEFAULT_TAG,
                    stream=True,
                    decode=True,
                    auth_config=self._login(image),
                ):
                    reason = step.get("error") or reason
            except APIError as error:
                reason = explanation(error)
            except DockerException as error:  # the SDK itself refuses the name
                reason = str(error)
        return reason

    def _login(self, image: str) -> Mapping[str, str] | None:
        login = self._logins.get(_registry_of(image))
        if login is None:
            return None
        return {"username": login.username, "password": login.password}


def classify(image: str, reason: str) -> PullRefusal:
    """Turn a registry's reason into a sentence with a remedy."""
    reason = _readable(reason)
    words = reason.lower()
    if any(word in words for word in _DENIED):
        return _refusal(
            image,
            reason,
            "check the name, and give the credentials in the setting docker_registries",
        )
    if any(word in words for word in _UNKNOWN):
        return _refusal(image, reason, "check its name and tag, and that it has been published")
    if any(word in words for word in _UNREACHABLE):
        return _refusal(image, reason, is_away=True)
    return _refusal(image, reason, "check its name and the registry")


def _refusal(
    image: str,
    reason: str,
    remedy: str = "the registry cannot be reached: check the network of the data station",
    *,
    is_away: bool = False,
    is_news: bool = True,
) -> PullRefusal:
    message = f"The image {image!r} cannot be pulled ({reason}); {remedy}."
    return PullRefusal(message, is_away=is_away, is_news=is_news)


def _readable(reason: str) -> str:
    """Return a reason on one line; some registries answer with JSON inside of text."""
    reason = reason.strip().rstrip(".")
    try:
        message = json.loads(reason).get("message", reason)
    except (ValueError, AttributeError):
        message = reason
    return " ".join(str(message).split())


def _registry_of(image: str) -> str:
    repository, _ = parse_repository_tag(image)
    try:
        registry, _ = resolve_repository_name(repository)
    except DockerException:
        return ""
    return _registry_key(registry)


def _registry_key(registry: str) -> str:
    """Return one text for the many ways to write a registry."""
    host = registry.lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return _DOCKER_HUB[0] if host in _DOCKER_HUB else host
