"""Chooses implementations from the settings; the only place that does."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vantage6.common.clock import Clock, SystemClock
from vantage6.common.config.load import Settings
from vantage6.common.errors import ConfigurationError
from vantage6.server.events.bus import EventBus
from vantage6.server.events.local import LocalBus
from vantage6.server.mail.base import Mailer
from vantage6.server.mail.console import ConsoleMailer
from vantage6.server.mail.courier import Courier
from vantage6.server.mail.smtp import SmtpMailer, SmtpServer
from vantage6.server.repositories.database import Database, database_url
from vantage6.server.repositories.unit_of_work import UnitOfWork
from vantage6.server.services.accounts import Accounts, Lockout
from vantage6.server.services.notices import MailRules, Notices
from vantage6.server.services.passwords import Passwords
from vantage6.server.services.recovery import Recovery
from vantage6.server.services.recovery_tokens import RecoveryTokens
from vantage6.server.services.repeats import Repeats
from vantage6.server.settings import recovery_lifetime, token_lifetimes
from vantage6.server.vpn.base import VpnPortal
from vantage6.server.vpn.eduvpn import EduVpnPortal, PortalAccess

__all__ = ["Services", "build"]

_SECRET_FILE = "jwt_secret"  # noqa: S105 - the name of a file
_SECRET_BYTES = 48
_MINUTE = 60.0
_REFUSAL_TIME = 0.5
"""Seconds a refused login takes: longer than any way to check a password."""


@dataclass(frozen=True)
class Services:
    """What handlers, sockets and periodic jobs work with; one per app.

    Attributes
    ----------
    vpn_portal : VpnPortal or None
        Where nodes get VPN configurations from, if there is VPN.
    access_lifetime, refresh_lifetime : float
        Life of tokens, in seconds.
    jwt_secret : str
        Signs tokens.
    warnings : tuple of str
        What deserves the administrator's attention, one sentence each.
    """

    settings: Settings
    database: Database
    bus: EventBus
    clock: Clock
    passwords: Passwords
    mailer: Mailer
    courier: Courier
    repeats: Repeats
    vpn_portal: VpnPortal | None
    jwt_secret: str
    access_lifetime: float
    refresh_lifetime: float
    warnings: tuple[str, ...] = ()

    def work(self, *, write: bool = True) -> UnitOfWork:
        """Begin a unit of work; `write` must be true if it will store anything."""
        return UnitOfWork(self.database, self.bus, write=write)

    @property
    def accounts(self) -> Accounts:
        """What checks the passwords of users."""
        policy = self.settings["password_policy"]
        lockout = Lockout(policy["max_failed_attempts"], _MINUTE * policy["inactivation_minutes"])
        return Accounts(
            self.work,
            self.passwords,
            self.clock,
            lockout,
            two_factor=self.settings["two_factor_auth"],
            refusal_time=_REFUSAL_TIME,
            repeats=self.repeats,
            on_blocked=self.notices.account_blocked,
        )

    @property
    def notices(self) -> Notices:
        """What writes mails to users."""
        policy = self.settings["password_policy"]
        rules = MailRules(
            interval=_MINUTE * policy["between_user_emails_minutes"],
            support=self.settings["support_email"],
            max_failed_attempts=policy["max_failed_attempts"],
        )
        return Notices(
            self.work, self.mailer, self.courier, self._recovery_tokens, self.clock, rules
        )

    @property
    def recovery(self) -> Recovery:
        """What lets users back into their accounts."""
        return Recovery(
            self.work, self.accounts, self.passwords, self._recovery_tokens, self.notices
        )

    @property
    def _recovery_tokens(self) -> RecoveryTokens:
        return RecoveryTokens(self.jwt_secret, recovery_lifetime(self.settings), self.clock)

    @property
    def api_path(self) -> str:
        """Prefix of all REST paths and links."""
        return str(self.settings["api_path"])

    def close(self) -> None:
        """Hand over the last mails and let go of the database."""
        self.courier.close()
        self.database.close()


def build(
    settings: Settings,
    data_dir: Path,
    *,
    clock: Clock | None = None,
    run_hash: Callable[[Callable[[], Any]], Any] | None = None,
    mailer: Mailer | None = None,
    vpn_portal: VpnPortal | None = None,
) -> Services:
    """Make what the settings ask for.

    Parameters
    ----------
    settings : Settings
        From :func:`vantage6.server.settings.load_server_settings`.
    data_dir : Path
        Folder of a SQLite database and of the generated secret.
    clock : Clock, optional
        The machine's by default.
    run_hash : callable, optional
        Runs the computation of a password hash, see :class:`Passwords`.
    mailer : Mailer, optional
        Delivers mails; the one that the settings name by default.
    vpn_portal : VpnPortal, optional
        Gives out VPN configurations; the one that the settings name by default.

    Raises
    ------
    ConfigurationError
        If a setting cannot be used here.
    """
    access, refresh, warnings = token_lifetimes(settings)
    clock = clock or SystemClock()
    return Services(
        settings=settings,
        database=Database(database_url(settings["uri"], data_dir)),
        bus=LocalBus(),
        clock=clock,
        passwords=Passwords(run_hash) if run_hash else Passwords(),
        mailer=mailer or _mailer(settings),
        courier=Courier(),
        repeats=Repeats(clock),
        vpn_portal=vpn_portal or _vpn_portal(settings),
        jwt_secret=settings["jwt_secret_key"] or _kept_secret(data_dir / _SECRET_FILE),
        access_lifetime=access,
        refresh_lifetime=refresh,
        warnings=settings.warnings + warnings + _not_yet_used(settings),
    )


def _not_yet_used(settings: Settings) -> tuple[str, ...]:
    """Say which switched-on features this release leaves off, instead of seeming to have them."""
    off = {
        "rabbitmq": "this release runs as one server process, so no broker is used",
        "large_result_store": "this release keeps inputs and results in the database",
    }
    if settings.at("prometheus.enabled"):
        off["prometheus"] = "this release exports no metrics"
    return tuple(
        f"The setting {name} has no effect: {why}." for name, why in off.items() if settings[name]
    )


def _mailer(settings: Settings) -> Mailer:
    smtp = settings["smtp"]
    if smtp is None:
        return ConsoleMailer(show=settings["dev"] is not None)
    return SmtpMailer(
        SmtpServer(
            host=smtp["server"],
            port=smtp["port"],
            sender=smtp["email_from"],
            username=smtp["username"],
            password=smtp["password"],
            starttls=smtp["MAIL_USE_TLS"],
            tls=smtp["MAIL_USE_SSL"],
        )
    )


def _vpn_portal(settings: Settings) -> VpnPortal | None:
    given = settings["vpn_server"]
    if given is None:
        return None
    return EduVpnPortal(
        PortalAccess(
            url=given["url"],
            redirect_url=given["redirect_url"],
            client_id=given["client_id"],
            client_secret=given["client_secret"],
            username=given["portal_username"],
            password=given["portal_userpass"],
        )
    )


def _kept_secret(path: Path) -> str:
    """Return the secret in a file only the owner can read; make it if there is none.

    With it tokens survive a restart (the reference makes a new secret at each start).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create_secret(path)
        kept = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The secret that signs tokens cannot be kept in {path} ({error}); "
            "make the data folder writable, or set jwt_secret_key."
        ) from error
    if not kept:
        raise ConfigurationError(
            f"The file {path} is empty; remove it, and a new secret is made at the next start."
        )
    return kept


def _create_secret(path: Path) -> None:
    # Written aside and linked into place, so that a crash leaves no half of a secret, and of two
    # servers that start together both use the secret of the first.
    if path.exists():
        return
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
