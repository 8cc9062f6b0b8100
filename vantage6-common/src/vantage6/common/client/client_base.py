"""A client without knowledge of the single resources, under the name of the contract.

Our own client and node are built on `vantage6.common.http`; this is for code that was written
for the released base class. Where that class retries every failed request, this one repeats
only what is safe (contract, client-api section 9).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from vantage6.common.clock import Clock
from vantage6.common.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PublicKeyError,
    ResponseError,
)
from vantage6.common.exceptions import AuthenticationException
from vantage6.common.http.auth import TokenAuth
from vantage6.common.http.transport import Transport
from vantage6.common.legacy import WhoAmI
from vantage6.common.wire.paths import Path as ApiPath

if TYPE_CHECKING:
    from vantage6.common.encryption import DummyCryptor, RSACryptor

__all__ = ["ClientBase"]

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


class ClientBase:
    """A connection to a server with a login.

    Parameters
    ----------
    host : str
        Address with its scheme, without a slash at the end.
    port : int, optional
        Port; none if the address needs none.
    path : str
        Path of the interface.
    auth : TokenAuth, optional
        Where the tokens are kept.
    handler : httpx.BaseTransport, optional
        Takes the place of the network.
    clock : Clock, optional
        The time.
    """

    class SubClient:
        """Groups calls; has its client as ``parent``."""

        def __init__(self, parent: ClientBase) -> None:
            self.parent = parent

    def __init__(
        self,
        host: str,
        port: int | None,
        path: str = "/api",
        *,
        auth: TokenAuth | None = None,
        handler: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.log = logging.getLogger(__name__)
        self.host = host.rstrip("/")
        self.port = port
        self.path = path
        self.auth = auth or TokenAuth(clock=clock)
        self.transport = Transport(self.base_path, auth=self.auth, handler=handler, clock=clock)
        self.whoami: WhoAmI | None = None
        self.cryptor: DummyCryptor | RSACryptor | None = None

    @property
    def base_path(self) -> str:
        """Address of the interface: host, port and path."""
        port = f":{self.port}" if self.port else ""
        path = f"/{self.path.strip('/')}" if self.path.strip("/") else ""
        return f"{self.host}{port}{path}"

    @property
    def token(self) -> str | None:
        """The present access token."""
        return self.auth.access_token

    @property
    def headers(self) -> dict[str, str]:
        """The header that shows who is asking, once logged in."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def name(self) -> str:
        """Name of who is logged in."""
        return self._identity().name

    def request(
        self,
        endpoint: str,
        json: Any = None,
        method: str = "get",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        retry: bool = True,
        attempts_on_timeout: int | None = None,
    ) -> Any:
        """Send a request and return the server's JSON, also that of a refusal.

        Parameters
        ----------
        endpoint : str
            Path below the base address.
        json : Any, optional
            Body.
        method : str
            HTTP method; an unknown one reads.
        params, headers : Mapping, optional
            Query and further headers.
        retry : bool
            Whether the login may be renewed and the request repeated.
        attempts_on_timeout : int, optional
            If given, a server that cannot be reached gives ``{"msg": "Connection error"}``.

        Raises
        ------
        ConnectionFailedError
            If the server cannot be reached.
        NotAnApiError
            If the answer is not JSON.
        """
        verb = method.lower() if method.lower() in _METHODS else "get"
        try:
            return self.transport.send(
                verb,
                endpoint,
                json=json,
                params=params,
                headers=headers,
                retry=None if retry else False,
            ).body
        except ResponseError as error:
            self.log.warning("The server refused %s %s: %s", verb, endpoint, error)
            return error.body or {"msg": str(error)}
        except ConnectionFailedError:
            if attempts_on_timeout is None:
                raise
            return {"msg": "Connection error"}

    def refresh_token(self) -> None:
        """Get new tokens.

        Raises
        ------
        AuthenticationException
            If the server gives none.
        """
        if not self.auth.renew(self.transport):
            raise AuthenticationException(
                "Authentication Error! The login has expired; authenticate again."
            )

    def setup_encryption(
        self, private_key_file: str | Path | None, *, replace: bool = False
    ) -> None:
        """Use a private key from now on, and register its public key if the server has none.

        Parameters
        ----------
        private_key_file : str or Path, optional
            The organization's key; None for a collaboration without encryption.
        replace : bool
            Whether another key that is registered may be replaced, which cuts off its users.

        Raises
        ------
        KeyFileError
            If the file cannot be used.
        PublicKeyError
            If another key is registered and may not be replaced.
        ResponseError
            If the server does not take the public key.
        """
        from vantage6.common.encryption import DummyCryptor, RSACryptor

        if private_key_file is None:
            self.cryptor = DummyCryptor()
            return
        cryptor = RSACryptor(Path(private_key_file))
        path = ApiPath.ORGANIZATION.format(id=self._identity().organization_id)
        registered = self.transport.get(path).get("public_key") or ""
        if not cryptor.verify_public_key(registered):
            if registered and not replace:
                raise PublicKeyError(
                    f"The organization has another public key than {private_key_file}; use the "
                    "private key that belongs to it, or replace it with replace=True."
                )
            self.log.warning("Registering the public key %s", cryptor.cryptor.fingerprint)
            self.transport.patch(path, json={"public_key": cryptor.public_key_str}, retry=True)
        self.cryptor = cryptor

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def _identity(self) -> WhoAmI:
        if self.whoami is None:
            raise ConfigurationError("Nobody is logged in; authenticate first.")
        return self.whoami
