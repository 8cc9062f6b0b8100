"""The client of a user: a facade over login, sub-clients and waiting."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vantage6.client._version import __version__
from vantage6.client.answers import Refusal
from vantage6.client.encryption import key_path, register_public_key
from vantage6.client.exceptions import NotLoggedInError, TaskFailedError
from vantage6.client.failures import failed_runs
from vantage6.client.log import logger, set_level, show_messages
from vantage6.client.session import Session
from vantage6.client.subclients.collaboration import CollaborationSubClient
from vantage6.client.subclients.node import NodeSubClient
from vantage6.client.subclients.organization import OrganizationSubClient
from vantage6.client.subclients.result import ResultSubClient
from vantage6.client.subclients.role import RoleSubClient
from vantage6.client.subclients.rule import RuleSubClient
from vantage6.client.subclients.run import RunSubClient
from vantage6.client.subclients.store.algorithm import AlgorithmSubClient
from vantage6.client.subclients.store.algorithm_store import AlgorithmStoreSubClient
from vantage6.client.subclients.study import StudySubClient
from vantage6.client.subclients.task import TaskSubClient
from vantage6.client.subclients.user import UserSubClient
from vantage6.client.subclients.util import UtilSubClient
from vantage6.client.utils import LogLevel
from vantage6.client.waiting import Waiter, WaitProgress
from vantage6.common import WhoAmI
from vantage6.common.clock import Clock, SystemClock
from vantage6.common.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NotAnApiError,
    ResponseError,
)
from vantage6.common.http.auth import UserAuth
from vantage6.common.http.transport import Transport
from vantage6.common.status import has_failed
from vantage6.common.wire.paths import Path

if TYPE_CHECKING:
    import httpx

    from vantage6.common.encryption import DummyCryptor, RSACryptor

__all__ = ["Client", "UserClient"]

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


class UserClient:
    """Talks to a vantage6 server on behalf of a user.

    Parameters
    ----------
    host : str
        Address of the server with its scheme, for example ``https://server.example.org``.
    port : int, optional
        Port; None or 0 if the address needs none.
    path : str
        Path of the interface.
    log_level : LogLevel or str
        How much to tell.
    timeout : float
        How many seconds the server may leave a request without any answer.
    verify : bool or str
        Whether to check certificates, or a file or folder with the authorities to trust.
    raise_on_error : bool
        Whether to raise what the server refuses (see `vantage6.common.errors.ResponseError`)
        instead of returning its message as a dictionary.
    handler : httpx.BaseTransport, optional
        Takes the place of the network, for example ``httpx.WSGITransport``.
    clock : Clock, optional
        The time.

    Examples
    --------
    >>> client = UserClient("https://server.example.org", 443)
    >>> client.authenticate("alice", "her password")  # doctest: +SKIP
    >>> client.setup_encryption("private_key.pem")  # doctest: +SKIP
    >>> task = client.task.create(
    ...     organizations=[2, 3], name="ages", image="example/average", description="",
    ...     collaboration=1, databases=[{"label": "default"}],
    ...     input_={"method": "central", "kwargs": {"column": "age"}},
    ... )  # doctest: +SKIP
    >>> client.wait_for_results(task["id"])["data"]  # doctest: +SKIP
    """

    def __init__(
        self,
        host: str,
        port: int | None,
        path: str = "/api",
        *,
        log_level: LogLevel | str = "info",
        timeout: float = 60.0,
        verify: bool | str = True,
        raise_on_error: bool = False,
        handler: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.log = logger
        show_messages()
        set_level(log_level)
        self._host = host.rstrip("/")
        self._port = port
        self._path = path
        self._raise_on_error = raise_on_error
        self._clock: Clock = clock or SystemClock()
        auth = UserAuth(clock=self._clock)
        transport = Transport(
            self.base_path,
            auth=auth,
            read_timeout=timeout,
            verify=verify,
            handler=handler,
            clock=self._clock,
        )
        self._session = Session(transport, auth)
        self.cryptor: DummyCryptor | RSACryptor | None = None
        self.util = UtilSubClient(self)
        self.collaboration = CollaborationSubClient(self)
        self.organization = OrganizationSubClient(self)
        self.user = UserSubClient(self)
        self.run = RunSubClient(self)
        self.result = ResultSubClient(self)
        self.task = TaskSubClient(self)
        self.role = RoleSubClient(self)
        self.node = NodeSubClient(self)
        self.rule = RuleSubClient(self)
        self.study = StudySubClient(self)
        self.store = AlgorithmStoreSubClient(
            self, {"timeout": timeout, "verify": verify, "handler": handler}
        )
        self.algorithm = AlgorithmSubClient(self)
        logger.info("vantage6 client %s for %s", __version__, self.base_path)

    def __enter__(self) -> UserClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the login stays valid at the server until it expires."""
        self.store.close()
        self.transport.close()

    # -- where and who --------------------------------------------------------------------

    @property
    def host(self) -> str:
        """Address of the server with its scheme."""
        return self._host

    @property
    def port(self) -> int | None:
        """Port, if the address needs one."""
        return self._port

    @property
    def path(self) -> str:
        """Path of the interface."""
        return self._path

    @property
    def base_path(self) -> str:
        """Address of the interface: host, port and path."""
        port = f":{self._port}" if self._port else ""
        path = f"/{self._path.strip('/')}" if self._path.strip("/") else ""
        return f"{self._host}{port}{path}"

    @property
    def transport(self) -> Transport:
        """Connection to the server; its methods raise what the server refuses."""
        return self._session.transport

    @property
    def token(self) -> str | None:
        """The present access token."""
        return self._session.auth.access_token

    @property
    def headers(self) -> dict[str, str]:
        """The header that shows who is asking, once logged in."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def whoami(self) -> WhoAmI | None:
        """The user who is logged in."""
        return self._session.whoami

    @property
    def name(self) -> str:
        """First name of the user who is logged in."""
        return str(self._logged_in().name)

    @property
    def collaboration_id(self) -> int | None:
        """The collaboration chosen with `setup_collaboration`."""
        return self._session.collaboration_id

    @collaboration_id.setter
    def collaboration_id(self, value: int | None) -> None:
        self._session.collaboration_id = value

    # -- login ----------------------------------------------------------------------------

    def authenticate(self, username: str, password: str, mfa_code: int | str | None = None) -> None:
        """Log in.

        If the server asks for a second factor that is not set up yet, its QR code is printed and
        nobody is logged in.

        Parameters
        ----------
        username, password : str
            Who is logging in.
        mfa_code : int or str, optional
            Code of the second factor.

        Raises
        ------
        AuthenticationException
            If the server refuses the login or asks for a second factor.
        TransportError
            If no vantage6 server answers.
        """
        from vantage6.common.encryption import DummyCryptor

        if self._session.log_in(username, password, mfa_code):
            self.cryptor = DummyCryptor()

    def refresh_token(self) -> None:
        """Get new tokens; requests do so by themselves when it is time."""
        self._session.refresh()

    def setup_collaboration(self, collaboration_id: int) -> None:
        """Choose the collaboration that calls use from now on when none is given."""
        self._session.choose_collaboration(collaboration_id)

    def setup_encryption(
        self, private_key_file: str | FilePath | None, *, replace: bool = False
    ) -> None:
        """Choose the private key of your organization, and register its public key.

        Parameters
        ----------
        private_key_file : str or Path, optional
            PEM file without passphrase; None to work without encryption.
        replace : bool
            Whether to replace another public key that is registered. The holders of the other
            key, also your node, cannot read anything new then.

        Raises
        ------
        KeyFileError
            If the file cannot be used.
        CryptoError
            If another key is registered and may not be replaced, or yours is not accepted.
        """
        from vantage6.common.encryption import DummyCryptor, RSACryptor

        organization_id = int(self._logged_in().organization_id)
        if private_key_file is None:
            self.cryptor = DummyCryptor()
            return
        cryptor = RSACryptor(key_path(private_key_file))
        register_public_key(
            self.transport, organization_id, cryptor.public_key_str, replace=replace
        )
        self.cryptor = cryptor

    # -- requests -------------------------------------------------------------------------

    def request(
        self,
        endpoint: str,
        json: Any = None,
        method: str = "get",
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        first_try: bool = True,  # noqa: FBT001, FBT002 - contract
        retry: bool = True,  # noqa: FBT001, FBT002 - contract
        attempts_on_timeout: int | None = None,
        is_for_algorithm_store: bool = False,  # noqa: FBT001, FBT002 - contract
    ) -> Any:
        """Send a request and return the parsed answer, also of a refusal.

        Parameters
        ----------
        endpoint : str
            Path below the interface's address.
        json : Any, optional
            Body.
        method : str
            HTTP method; an unknown one means GET.
        params, headers : Mapping, optional
            Query and further headers.
        first_try, retry : bool
            Whether to repeat after renewing the token, and what only reads after a broken
            connection; both must be set.
        attempts_on_timeout : int, optional
            How often to try again, once a second, while nothing answers; then an answer that
            says so is returned.
        is_for_algorithm_store : bool
            Whether to ask the selected algorithm store instead of the server.

        Raises
        ------
        TransportError
            If nothing answers, or not with JSON.
        NotLoggedInError
            If the server asks for a login that has not taken place.
        """
        transport = self.store.transport if is_for_algorithm_store else self.transport
        method = method.lower() if method.lower() in _METHODS else "get"
        may_repeat = first_try and retry
        waits = itertools.repeat(1.0, attempts_on_timeout or 0)
        while True:
            try:
                return transport.send(
                    method,
                    endpoint,
                    json=json,
                    params=params,
                    headers=headers,
                    retry=None if may_repeat and attempts_on_timeout is None else False,
                ).body
            except ResponseError as error:
                self._require_login(error, needed=may_repeat)
                return self.refused(error)
            except ConnectionFailedError as error:
                if attempts_on_timeout is None:
                    raise
                wait = next(waits, None)
                if wait is None:
                    logger.error("%s", error)
                    return {"msg": "Connection error"}
                self._clock.sleep(wait)

    def refused(self, error: ResponseError) -> Refusal:
        """Log what the server refused and return its answer, or raise it if that is wanted."""
        logger.error("The server refused the request (status %s): %s", error.status, error)
        if self._raise_on_error:
            raise error
        return Refusal(error)

    def _require_login(self, error: ResponseError, *, needed: bool) -> None:
        if needed and isinstance(error, AuthenticationError) and self.token is None:
            raise NotLoggedInError(
                f"The server asks who you are ({error}); call client.authenticate() first."
            ) from error

    def _logged_in(self) -> WhoAmI:
        if self.whoami is None:
            raise NotLoggedInError("Nobody is logged in; call client.authenticate() first.")
        return self.whoami

    # -- waiting --------------------------------------------------------------------------

    def wait_for_results(
        self,
        task_id: int,
        interval: float = 1,
        *,
        timeout: float | None = None,
        raise_on_failure: bool = False,
        on_progress: Callable[[WaitProgress], object] | None = None,
    ) -> dict[str, Any]:
        """Wait until a task has ended and return all its results.

        Parameters
        ----------
        task_id : int
            The task.
        interval : float
            Longest pause at first, in seconds. Pauses are shorter for a task that has just
            begun and become longer the longer it takes, up to five minutes.
        timeout : float, optional
            Longest time to wait, in seconds.
        raise_on_failure : bool
            Whether to raise if the task has failed, instead of returning what there is.
        on_progress : callable, optional
            Called with a `vantage6.client.waiting.WaitProgress` each time the status was read.

        Returns
        -------
        dict
            As `ResultSubClient.from_task` returns it.

        Raises
        ------
        WaitTimeoutError
            If the task has not ended in time.
        TaskFailedError
            If it has failed and `raise_on_failure` is set; the message says where and why.
        """
        waiter = Waiter(
            task_id,
            lambda: self._status_of(task_id),
            interval=interval,
            timeout=timeout,
            on_progress=on_progress,
            clock=self._clock,
        )
        status = waiter.wait()
        if has_failed(status):
            failure = TaskFailedError(task_id, failed_runs(self, task_id))
            if raise_on_failure:
                raise failure
            logger.warning("%s", failure)
        return self.result.from_task(task_id)

    def wait_for_task_completion(
        self,
        request_func: Callable[[str], Mapping[str, Any]],
        task_id: int,
        interval: float = 1,
        log_animation: bool = True,  # noqa: FBT001, FBT002 - contract
    ) -> None:
        """Wait until a task has ended.

        Parameters
        ----------
        request_func : callable
            Asks for a path below the interface's address, as `request` does.
        task_id : int
            The task.
        interval : float
            As for `wait_for_results`.
        log_animation : bool
            Whether to show a line on a terminal.
        """
        path = Path.TASK_STATUS.format(id=task_id).lstrip("/")
        Waiter(
            task_id,
            lambda: request_func(path).get("status"),
            interval=interval,
            show=log_animation,
            clock=self._clock,
        ).wait()

    def _status_of(self, task_id: int) -> str:
        answer = self.transport.get(Path.TASK_STATUS.format(id=task_id))
        if not isinstance(answer, dict) or "status" not in answer:
            raise NotAnApiError(f"The server gave no status of task {task_id}.", 200)
        return str(answer["status"])


Client = UserClient
