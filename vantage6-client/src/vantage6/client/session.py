"""Who is logged in at which server."""

from __future__ import annotations

from vantage6.client.display import show_second_factor
from vantage6.client.log import logger
from vantage6.common import WhoAmI
from vantage6.common.errors import (
    NotAnApiError,
    NotFoundError,
    ResponseError,
    ServerFaultError,
)
from vantage6.common.exceptions import AuthenticationException
from vantage6.common.http.auth import LoginAnswer, UserAuth
from vantage6.common.http.transport import Transport
from vantage6.common.wire.paths import Path
from vantage6.common.wire.tokens import SUBJECT_CLAIM

__all__ = ["Session"]

_NOT_FOUND = 404


class Session:
    """The login of one user at one server.

    Parameters
    ----------
    transport : Transport
        Connection to the server, made with `auth`.
    auth : UserAuth
        Where the tokens are kept.
    """

    def __init__(self, transport: Transport, auth: UserAuth) -> None:
        self.transport = transport
        self.auth = auth
        self.whoami: WhoAmI | None = None
        self.collaboration_id: int | None = None

    def log_in(self, username: str, password: str, mfa_code: int | str | None) -> bool:
        """Log in and find out who that is; False if a second factor has to be set up first.

        Raises
        ------
        AuthenticationException
            If the server refuses the login or asks for a second factor.
        TransportError
            If no vantage6 server answers, or it has a problem of its own.
        """
        answer = self._ask_for_tokens(username, password, mfa_code)
        if answer.qr_uri:
            show_second_factor(answer.body)
            return False
        if not answer.logged_in:
            raise AuthenticationException(
                answer.message or f"The server {self.transport.base_url} gave no token."
            )
        self.whoami = self._identity()
        logger.info(
            "Logged in at %s as %s (user %s) of %s (organization %s).",
            self.transport.base_url,
            self.whoami.name,
            self.whoami.id_,
            self.whoami.organization_name,
            self.whoami.organization_id,
        )
        return True

    def refresh(self) -> None:
        """Get new tokens.

        Raises
        ------
        AuthenticationException
            If the server gives none.
        """
        if not self.auth.renew(self.transport):
            raise AuthenticationException(
                "Authentication Error! The login has expired; call client.authenticate() again."
            )

    def choose_collaboration(self, collaboration_id: int) -> None:
        """Remember a collaboration, which need not be visible, as the default of later calls."""
        self.collaboration_id = collaboration_id
        try:
            found = self.transport.get(Path.COLLABORATION.format(id=collaboration_id))
        except ResponseError as error:
            logger.error(
                "Collaboration %s is chosen, but the server says: %s", collaboration_id, error
            )
            return
        logger.info("Collaboration %s (%s) is chosen.", collaboration_id, found["name"])

    def _ask_for_tokens(
        self, username: str, password: str, mfa_code: int | str | None
    ) -> LoginAnswer:
        try:
            return self.auth.login(self.transport, username, password, mfa_code)
        except NotFoundError as error:
            raise NotAnApiError(
                f"There is no vantage6 server at {self.transport.base_url}; check host, port and "
                "path.",
                _NOT_FOUND,
            ) from error
        except ServerFaultError:
            raise
        except ResponseError as error:
            raise AuthenticationException(f"Failed to authenticate: {error}") from error

    def _identity(self) -> WhoAmI:
        user_id = int(self.auth.claims[SUBJECT_CLAIM])
        user = self.transport.get(Path.USER.format(id=user_id))
        organization_id = int(user["organization"]["id"])
        return WhoAmI(
            type_="user",
            id_=user_id,
            name=user["firstname"] or user["username"],
            organization_name=self._organization_name(organization_id),
            organization_id=organization_id,
        )

    def _organization_name(self, organization_id: int) -> str:
        """Return the name, or nothing for a user who may not see even their own organization."""
        try:
            organization = self.transport.get(Path.ORGANIZATION.format(id=organization_id))
        except ResponseError as error:
            logger.debug("The name of organization %s is unknown: %s", organization_id, error)
            return ""
        return str(organization["name"])
