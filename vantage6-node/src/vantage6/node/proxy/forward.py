"""Requests that go to the server as they are: what an algorithm may read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from vantage6.common.http.transport import Answer, Transport

__all__ = ["forwarding_routes", "query", "reply"]

# Closed by default: what the algorithm client of any 4.x release reads, and nothing else.
# Numbers only, so a path cannot lead anywhere else.
_READABLE = (
    "/version",
    "/organization",
    "/organization/<int:number>",
    "/collaboration",
    "/collaboration/<int:number>",
    "/study",
    "/study/<int:number>",
    "/task/<int:number>/status",
    "/vpn/algorithm/addresses",
    "/blobstream/status",
)
_PASSED_HEADERS = ("total-count", "Link")
_NUMBER = "<int:number>"


def forwarding_routes(transport: Transport) -> Blueprint:
    """Return the routes that only pass on."""
    routes = Blueprint("forward", __name__)
    for rule in _READABLE:
        routes.add_url_rule(rule, endpoint=rule.replace(".", "_"), view_func=_view(rule, transport))
    return routes


def _view(rule: str, transport: Transport) -> Any:
    def forward(number: int | None = None) -> Response:
        path = rule.replace(_NUMBER, str(number))
        return reply(transport.send("GET", path, params=query()))

    return forward


def query() -> dict[str, list[str]]:
    """Return the query of the present request, with all values of repeated names."""
    return request.args.to_dict(flat=False)


def reply(answer: Answer, body: Any = None) -> Response:
    """Return the server's answer to the algorithm, with another body if one is given."""
    response = jsonify(answer.body if body is None else body)
    response.status_code = answer.status
    for name in _PASSED_HEADERS:
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    return response
