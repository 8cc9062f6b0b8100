"""The server itself, passwords and keys."""

from __future__ import annotations

from pathlib import Path as FilePath

from vantage6.client.display import show_second_factor
from vantage6.client.encryption import check_replacement, key_path
from vantage6.client.log import logger
from vantage6.client.subclients.base import Answer, SubClient, given, tell
from vantage6.common.wire.paths import Path

__all__ = ["UtilSubClient"]

_DEFAULT_KEY_FILE = "private_key.pem"


class UtilSubClient(SubClient):
    """Look after your account and ask about the server."""

    def get_server_version(self, attempts_on_timeout: int | None = None) -> Answer:
        """Return the server's version, as ``{"version": ...}``; needs no login.

        Parameters
        ----------
        attempts_on_timeout : int, optional
            How often to try again, once a second, while nothing answers.
        """
        answer: Answer = self.parent.request(Path.VERSION, attempts_on_timeout=attempts_on_timeout)
        return answer

    def get_server_health(self) -> Answer:
        """Return whether the server's parts work, as ``{"database": bool}``; needs no login."""
        return self._request("get", Path.HEALTH)

    def change_my_password(self, current_password: str, new_password: str) -> Answer:
        """Change your own password."""
        body = {"current_password": current_password, "new_password": new_password}
        # A wrong password must not be sent twice, or it counts twice towards the lock-out.
        return self._told("patch", Path.PASSWORD_CHANGE, body)

    def reset_my_password(
        self, email: str | None = None, username: str | None = None
    ) -> Answer | None:
        """Ask for a mail with a token to set a new password; needs no login.

        Returns
        -------
        dict or None
            None if neither `email` nor `username` is given.
        """
        if not (email or username):
            logger.error("Neither email nor username is given; pass one of them.")
            return None
        return self._told("post", Path.RECOVER_PASSWORD, given(email=email, username=username))

    def set_my_password(self, token: str, password: str) -> Answer:
        """Set a new password with the token from the mail; needs no login."""
        return self._told("post", Path.RESET_PASSWORD, {"reset_token": token, "password": password})

    def reset_two_factor_auth(
        self, password: str, email: str | None = None, username: str | None = None
    ) -> Answer:
        """Ask for a mail with a token to set up the second factor anew; needs no login."""
        if not (email or username):
            raise AssertionError("Neither email nor username is given; pass one of them.")
        body = given(username=username, email=email, password=password)
        return self._told("post", Path.RECOVER_SECOND_FACTOR, body)

    def set_two_factor_auth(self, token: str) -> Answer:
        """Set up the second factor anew with the token from the mail; needs no login.

        The QR code for the authenticator app is printed.
        """
        answer = self._request(
            "post", Path.RESET_SECOND_FACTOR, json={"reset_token": token}, retry=False
        )
        if "qr_uri" in answer:
            show_second_factor(answer)
        return answer

    def generate_private_key(self, file_: str | None = None, *, replace: bool = False) -> None:
        """Make a key pair for your organization, and register its public key.

        Parameters
        ----------
        file_ : str, optional
            Where to write the private key; by default ``private_key.pem`` in the current folder.
            Only its owner can read it, and an existing file is never overwritten.
        replace : bool
            Whether to replace a key that is registered already. Its holders, also your node,
            cannot read anything new then.

        Raises
        ------
        KeyFileError
            If the file exists or cannot be written.
        CryptoError
            If a key is registered already and may not be replaced.
        """
        from vantage6.common.crypto.keys import create_private_key

        organization_id = self._own_organization()
        path = key_path(file_) if file_ else FilePath.cwd() / _DEFAULT_KEY_FILE
        check_replacement(self.parent.transport, organization_id, replace=replace)
        create_private_key(path)
        logger.info("The private key is written to %s; keep it safe and secret.", path)
        self.parent.setup_encryption(path, replace=replace)

    def _told(self, method: str, path: str, body: Answer) -> Answer:
        """Send once, without trying again after a refusal, and log what the server says."""
        answer = self._request(method, path, json=body, retry=False)
        tell(answer)
        return answer
