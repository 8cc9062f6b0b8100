"""The dialogue with the portal, held with a stand-in that checks what it is told."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from flask import Flask, Response, jsonify, redirect, request

from vantage6.common.errors import V6Error
from vantage6.server.services.errors import Misconfigured, Unavailable
from vantage6.server.settings import load_server_settings
from vantage6.server.vpn.eduvpn import EduVpnPortal, PortalAccess
from vantage6.server.wiring import build

URL = "http://vpn.example"
ACCESS = PortalAccess(URL, "http://localhost", "the client", "hush", "server", "quiet")
CONFIGURATION = "client\r\nremote vpn.example 1194\r\n"


class Portal:
    """Answers as eduVPN does; the attributes make it misbehave."""

    def __init__(self) -> None:
        self.password = "quiet"
        self.basic_only = False
        self.secret = "hush"
        self.broken: dict[str, Any] = {}
        self.asked: list[str] = []
        self.challenge = ""
        self.app = Flask("portal")
        self.app.before_request(self._note)
        api = "/vpn-user-portal/api/v3"
        for path, method, view in (
            ("/.well-known/vpn-user-portal", "GET", self._discovery),
            ("/vpn-user-portal/_user_pass_auth/verify", "POST", self._log_in),
            ("/vpn-user-portal/oauth/authorize", "GET", self._authorize),
            ("/vpn-user-portal/oauth/token", "POST", self._token),
            (f"{api}/info", "GET", self._info),
            (f"{api}/connect", "POST", self._connect),
        ):
            self.app.add_url_rule(path, path, view, methods=[method])

    def _note(self) -> Any:
        self.asked.append(f"{request.method} {request.path.rpartition('/')[2]}")
        return self.broken.get(request.path.rpartition("/")[2])

    def _discovery(self) -> Any:
        base = f"{URL}/vpn-user-portal"
        endpoints = {
            "api_endpoint": f"{base}/api/v3",
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
        }
        return jsonify({"api": {"http://eduvpn.org/api#3": endpoints}, "v": "3"})

    def _log_in(self) -> Any:
        form = request.form
        assert request.headers["Referer"] == f"{URL}/vpn-user-portal/home"
        assert form["authRedirectTo"] == form["_user_pass_auth_redirect_to"]
        answer = redirect(form["authRedirectTo"])
        if (form["userName"], form["userPass"]) == ("server", self.password):
            answer.set_cookie("session", "in")
        return answer

    def _authorize(self) -> Any:
        if request.cookies.get("session") != "in":
            return "<html>log in</html>"
        asked = request.args
        assert asked["response_type"] == "code"
        assert (asked["client_id"], asked["scope"]) == ("the client", "config")
        assert asked["code_challenge_method"] == "S256"
        self.challenge = asked["code_challenge"]
        query = urlencode({"code": "c0de", "state": asked["state"]})
        return redirect(f"{asked['redirect_uri']}?{query}")

    def _token(self) -> Any:
        form = request.form
        basic = request.authorization
        if self.basic_only and basic is None:
            return Response("no", 401)
        given = basic.password if basic else form.get("client_secret")
        assert (form["grant_type"], form["code"]) == ("authorization_code", "c0de")
        assert form["redirect_uri"] == "http://localhost"
        verifier = form["code_verifier"]
        assert re.fullmatch("[a-zA-Z0-9]{43,128}", verifier)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        assert digest.rstrip(b"=").decode() == self.challenge
        if given != self.secret or (basic is not None and "client_id" in form):
            return Response("no", 401)
        return jsonify({"access_token": "t0ken", "token_type": "bearer"})

    def _info(self) -> Any:
        assert request.headers["Authorization"] == "Bearer t0ken"
        return jsonify({"info": {"profile_list": [{"profile_id": "p1"}, {"profile_id": "p2"}]}})

    def _connect(self) -> Any:
        assert request.headers["Authorization"] == "Bearer t0ken"
        assert request.form["profile_id"] == "p1"
        return Response(CONFIGURATION, mimetype="application/x-openvpn-profile")


@pytest.fixture
def portal() -> Portal:
    return Portal()


@pytest.fixture
def ours(portal: Portal) -> EduVpnPortal:
    return EduVpnPortal(ACCESS, httpx.WSGITransport(app=portal.app))


def test_the_configuration_is_fetched_as_the_portal_writes_it(
    portal: Portal, ours: EduVpnPortal
) -> None:
    assert ours.configuration() == CONFIGURATION
    assert portal.asked == [
        "GET vpn-user-portal",
        "POST verify",
        "GET authorize",
        "POST token",
        "GET info",
        "POST connect",
    ]


def test_a_portal_that_wants_the_client_in_the_header_gets_it_there(
    portal: Portal, ours: EduVpnPortal
) -> None:
    portal.basic_only = True
    assert ours.configuration() == CONFIGURATION


def test_every_configuration_is_a_dialogue_of_its_own(portal: Portal, ours: EduVpnPortal) -> None:
    challenges = set()
    for _ in range(2):
        ours.configuration()
        challenges.add(portal.challenge)
    assert len(challenges) == 2


def _change_password(portal: Portal) -> None:
    portal.password = "changed"


def _change_secret(portal: Portal) -> None:
    portal.secret = "changed"


def _break(path: str, answer: Any) -> Callable[[Portal], None]:
    def change(portal: Portal) -> None:
        portal.broken[path] = answer

    return change


@pytest.mark.parametrize(
    ("change", "error", "part"),
    [
        (_change_password, Misconfigured, "portal_username"),
        (_change_secret, Misconfigured, "client_secret"),
        (_break("vpn-user-portal", ("<html>", 200)), Misconfigured, "eduVPN version 3"),
        (_break("vpn-user-portal", ("gone", 404)), Misconfigured, "404"),
        (_break("vpn-user-portal", ({"api": {}}, 200)), Misconfigured, "eduVPN version 3"),
        (_break("verify", ("no", 403)), Misconfigured, "portal_userpass"),
        (
            _break("authorize", ("", 302, {"Location": "http://localhost?code=x&state=other"})),
            Misconfigured,
            "client_id",
        ),
        (_break("authorize", ("no", 400)), Misconfigured, "redirect_url"),
        (_break("info", ({"info": {"profile_list": []}}, 200)), Misconfigured, "version 3"),
        (_break("info", ({}, 502)), Unavailable, "502"),
        (_break("connect", ("no", 404)), Misconfigured, "profile"),
    ],
)
def test_what_goes_wrong_is_named_without_secrets(
    portal: Portal,
    ours: EduVpnPortal,
    change: Callable[[Portal], None],
    error: type[V6Error],
    part: str,
) -> None:
    change(portal)
    with pytest.raises(error, match=part) as caught:
        ours.configuration()
    for secret in ("hush", "quiet", "t0ken", "c0de"):
        assert secret not in str(caught.value)


def test_a_portal_that_is_away_is_unavailable() -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("away")

    with pytest.raises(Unavailable, match="ConnectTimeout"):
        EduVpnPortal(ACCESS, httpx.MockTransport(fail)).configuration()


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(ACCESS)
    assert "quiet" not in repr(ACCESS)


class TestEndpoint:
    def _world(self, make_world: Callable[..., Any], portal: Portal) -> Any:
        ours = EduVpnPortal(ACCESS, httpx.WSGITransport(app=portal.app))
        return make_world(vpn_portal=ours)

    def test_a_node_gets_its_configuration(
        self, make_world: Callable[..., Any], portal: Portal
    ) -> None:
        answer = self._world(make_world, portal).get("alpha-plain", "/vpn")
        assert (answer.status_code, answer.json) == (200, {"ovpn_config": CONFIGURATION})

    @pytest.mark.parametrize(
        ("change", "status"),
        [(_change_password, 500), (_break("info", ({}, 503)), 503)],
    )
    def test_failures_have_the_status_of_the_contract(
        self,
        make_world: Callable[..., Any],
        portal: Portal,
        change: Callable[[Portal], None],
        status: int,
    ) -> None:
        change(portal)
        answer = self._world(make_world, portal).get("alpha-plain", "/vpn")
        assert answer.status_code == status
        assert "vpn" in answer.json["msg"].lower()

    def test_users_get_none(self, make_world: Callable[..., Any], portal: Portal) -> None:
        assert self._world(make_world, portal).get("root", "/vpn").status_code == 403
        assert portal.asked == []


def test_the_settings_name_the_portal(tmp_path: Any) -> None:
    section = {
        "url": URL,
        "redirect_url": "http://localhost",
        "client_id": "c",
        "client_secret": "s",
        "portal_username": "u",
        "portal_userpass": "p",
    }
    services = build(load_server_settings({"vpn_server": section}, "t", {}), tmp_path)
    services.close()
    assert isinstance(services.vpn_portal, EduVpnPortal)
    assert services.vpn_portal.access == PortalAccess(URL, "http://localhost", "c", "s", "u", "p")
    assert services.warnings == ()
