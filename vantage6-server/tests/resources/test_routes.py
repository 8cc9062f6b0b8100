"""The route table is part of the contract; a change of it has to be meant."""

from __future__ import annotations

from typing import Any

ROUTES = """
DELETE,GET,PATCH /collaboration/<int:id>
DELETE,GET,PATCH /node/<int:id>
DELETE,GET,PATCH /organization/<int:id>
DELETE,GET,PATCH /role/<int:id>
DELETE,GET,PATCH /study/<int:id>
DELETE,GET,PATCH /user/<int:id>
DELETE,GET /task/<int:id>
DELETE,POST /collaboration/<int:id>/node
DELETE,POST /collaboration/<int:id>/organization
DELETE,POST /port
DELETE,POST /role/<int:id>/rule/<int:rule_id>
DELETE,POST /study/<int:id>/organization
GET /blobstream/<string:id>
GET /blobstream/status
GET /health
GET /result
GET /result/<int:id>
GET /rule
GET /rule/<int:id>
GET /run
GET /task/<int:id>/status
GET /version
GET /vpn
GET /vpn/algorithm/addresses
GET,PATCH /run/<int:id>
GET,POST /collaboration
GET,POST /node
GET,POST /organization
GET,POST /role
GET,POST /study
GET,POST /task
GET,POST /user
PATCH /password/change
POST /blobstream
POST /column
POST /kill/node/tasks
POST /kill/task
POST /recover/2fa/lost
POST /recover/2fa/reset
POST /recover/lost
POST /recover/node
POST /recover/reset
POST /token/container
POST /token/node
POST /token/node/validate
POST /token/refresh
POST /token/user
POST /token/user/validate
POST /vpn/update
"""


def test_the_route_table_is_the_one_that_was_meant(world: Any) -> None:
    rules = world.app.url_map.iter_rules()
    listed = {
        f"{','.join(sorted(rule.methods - {'HEAD', 'OPTIONS'}))} {rule.rule.removeprefix('/api')}"
        for rule in rules
        if rule.rule != "/robots.txt"
    }
    assert listed == set(ROUTES.strip().splitlines())


def test_the_prefix_is_configurable_and_appears_in_links(make_world: Any) -> None:
    world = make_world(api_path="/v6/api")
    client = world.app.test_client()
    headers = {"Authorization": f"Bearer {world.token('root')}"}
    answer = client.get("/v6/api/organization?per_page=1", headers=headers)
    assert answer.json["links"]["next"] == "/v6/api/organization?per_page=1&page=2"
    assert answer.json["data"][0]["nodes"].startswith("/v6/api/node?")
    assert client.get("/api/version").status_code == 404


def test_a_number_that_no_database_holds_names_nothing(world: Any) -> None:
    assert world.get("root", f"/task/{10**30}").status_code == 404
    assert world.get("root", "/task/-1").status_code == 404
    assert world.get("root", "/task/").status_code == 404


def test_robots_are_kept_out(world: Any) -> None:
    answer = world.app.test_client().get("/robots.txt")
    assert answer.mimetype == "text/plain"
    assert "Disallow: /" in answer.text
