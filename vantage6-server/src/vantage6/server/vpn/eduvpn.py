"""The dialogue with the portal of eduVPN, version 3 (contract, peer-to-peer-vpn section 4).

The server logs in as a user of the portal, gets an OAuth 2 code (with PKCE) and a token for it, and
asks for the configuration of the first profile. Nothing is kept between two configurations.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from vantage6.common.errors import ConfigurationError
from vantage6.common.http.address import verification
from vantage6.server.services.errors import Misconfigured, Unavailable

__all__ = ["EduVpnPortal", "PortalAccess"]

_DISCOVERY = "/.well-known/vpn-user-portal"
_API = "http://eduvpn.org/api#3"
_API_PATH = "/api/v3"
_TIMEOUT = 30.0
_VERIFIER_BYTES = 40
_FIRST_ERROR = 400
_FIRST_FAULT = 500


@dataclass(frozen=True)
class PortalAccess:
    """The settings of the section ``vpn_server``."""

    url: str
    redirect_url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class _Endpoints:
    api: str
    authorization: str
    token: str

    @property
    def portal(self) -> str:
        return self.api.removesuffix(_API_PATH)


class EduVpnPortal:
    """Gets configurations from one portal.

    Parameters
    ----------
    handler : httpx.BaseTransport, optional
        Takes the place of the network.
    """

    def __init__(self, access: PortalAccess, handler: httpx.BaseTransport | None = None) -> None:
        self.access = access
        self._handler = handler

    def configuration(self) -> str:
        """Return a new OpenVPN configuration, line ends as the portal writes them.

        Raises
        ------
        Unavailable
            If the portal does not answer.
        Misconfigured
            If it does not let this server in, or is no eduVPN portal of version 3.
        """
        url = self.access.url.rstrip("/")
        try:
            with httpx.Client(
                timeout=_TIMEOUT, verify=verification(url, verify=True), transport=self._handler
            ) as client:
                return self._converse(client, url)
        except httpx.RequestError as error:
            raise Unavailable(
                f"The VPN portal {url} does not answer ({type(error).__name__}); try again later."
            ) from error
        except ConfigurationError as error:
            raise Misconfigured(str(error)) from error
        except (httpx.InvalidURL, ValueError, LookupError, TypeError) as error:
            raise Misconfigured(
                f"The VPN portal {url} does not answer like eduVPN version 3; check the settings "
                "under vpn_server."
            ) from error

    def _converse(self, client: httpx.Client, url: str) -> str:
        found = _checked(client.get(url + _DISCOVERY), "its address").json()["api"][_API]
        endpoints = _Endpoints(
            found["api_endpoint"], found["authorization_endpoint"], found["token_endpoint"]
        )
        code, verifier = self._authorize(client, endpoints)
        headers = {"Authorization": f"Bearer {self._token(client, endpoints, code, verifier)}"}
        info = _checked(client.get(f"{endpoints.api}/info", headers=headers), "the token")
        profile = info.json()["info"]["profile_list"][0]["profile_id"]
        answer = client.post(
            f"{endpoints.api}/connect", headers=headers, data={"profile_id": profile}
        )
        return _checked(answer, "the profile").text

    def _authorize(self, client: httpx.Client, endpoints: _Endpoints) -> tuple[str, str]:
        """Log in as a user and return an authorization code and the verifier that goes with it."""
        verifier = re.sub("[^a-zA-Z0-9]", "", secrets.token_urlsafe(_VERIFIER_BYTES))
        state = secrets.token_urlsafe()
        address = f"{endpoints.authorization}?{urlencode(self._question(verifier, state))}"
        login = {
            "userName": self.access.username,
            "userPass": self.access.password,
            "_user_pass_auth_redirect_to": address,
            "authRedirectTo": address,
        }
        answer = client.post(
            f"{endpoints.portal}/_user_pass_auth/verify",
            data=login,
            headers={"Referer": f"{endpoints.portal}/home"},
        )
        _checked(answer, "portal_username and portal_userpass")
        answer = _checked(client.get(address), "client_id and redirect_url")
        given = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        if given.get("state") != [state] or not given.get("code"):
            raise Misconfigured(
                "The VPN portal did not let this server in; check portal_username, "
                "portal_userpass, client_id and redirect_url under vpn_server."
            )
        return given["code"][0], verifier

    def _question(self, verifier: str, state: str) -> dict[str, str]:
        digest = hashlib.sha256(verifier.encode()).digest()
        return {
            "response_type": "code",
            "client_id": self.access.client_id,
            "redirect_uri": self.access.redirect_url,
            "scope": "config",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
            "code_challenge_method": "S256",
        }

    def _token(self, client: httpx.Client, endpoints: _Endpoints, code: str, verifier: str) -> str:
        access = self.access
        form = {
            "grant_type": "authorization_code",
            "code_verifier": verifier,
            "code": code,
            "redirect_uri": access.redirect_url,
        }
        identity = {"client_id": access.client_id, "client_secret": access.client_secret}
        answer = client.post(endpoints.token, data=form | identity)
        if answer.status_code >= _FIRST_ERROR:
            # Some portals want the client to identify itself in the header.
            basic = httpx.BasicAuth(access.client_id, access.client_secret)
            answer = client.post(endpoints.token, data=form, auth=basic)
        return str(_checked(answer, "client_id and client_secret").json()["access_token"])


def _checked(answer: httpx.Response, what: str) -> httpx.Response:
    if answer.status_code >= _FIRST_FAULT:
        raise Unavailable(f"The VPN portal failed with {answer.status_code}; try again later.")
    if answer.status_code >= _FIRST_ERROR:
        raise Misconfigured(
            f"The VPN portal answered {answer.status_code} and so does not accept {what}; check "
            "the settings under vpn_server."
        )
    return answer
