"""Which runs pass the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from vantage6.common.errors import ConnectionFailedError
from vantage6.node.policy.gate import NOTHING_ALLOWED, PolicyGate, Verdict
from vantage6.node.runs.model import RunFacts
from vantage6.node.testing.station import settings_for_tests

STORE = "https://store.test/api"


class Api:
    """The part of the server that the gate asks."""

    def __init__(self) -> None:
        self.offers = True
        self.is_away = False
        self.names = {"Registry": [2]}

    def organizations_named(self, name: str) -> list[int]:
        if self.is_away:
            raise ConnectionFailedError("away")
        return self.names.get(name, [])

    def store_url(self, store_id: int) -> str:
        return {6: STORE}.get(store_id, "https://other.test/api")

    def store_offers(self, url: str, image: str) -> bool:
        assert url == STORE
        return self.offers


def facts(image: str = "ghcr.io/a/alg:1", **changes: Any) -> RunFacts:
    known: dict[str, Any] = {"init_org_id": 2, "init_user_id": 5, **changes}
    return RunFacts(run_id=1, task_id=1, job_id=1, image=image, **known)


def check(
    policies: Mapping[str, Any],
    run: RunFacts | None = None,
    api: Api | None = None,
    digests: Mapping[str, str] | None = None,
) -> Verdict:
    settings = settings_for_tests(policies=dict(policies))
    gate = PolicyGate(
        settings.policies,
        api or Api(),  # type: ignore[arg-type]
        (digests or {}).get,
    )
    return gate.check(run or facts())


def is_allowed(*args: Any, **kwargs: Any) -> bool:
    return check(*args, **kwargs).refusal is None


def test_without_policies_nothing_is_allowed() -> None:
    assert check({}).refusal == NOTHING_ALLOWED
    assert check({"allowed_algorithms": [], "allowed_users": ["5"]}).refusal == NOTHING_ALLOWED


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [
        ("ghcr.io/a/alg:1", True),
        ("ghcr.io/a/alg", True),
        ("ghcr.io/a/alg:2", False),
        ("ghcr.io/a/al", False),
        ("a/alg", False),
        (r"^ghcr\.io/a/[a-z]+:\d$", True),
        (r"^ghcr\.io/a/alg$", False),
        (r"^ghcr\.io/a/alg", False),
        (r"ghcr\.io/.*", True),
    ],
)
def test_an_image_is_compared_with_names_and_expressions(entry: str, allowed: bool) -> None:
    assert is_allowed({"allowed_algorithms": entry}) is allowed


def test_an_expression_that_fits_the_beginning_only_is_hinted_at() -> None:
    refusal = check({"allowed_algorithms": [r"^ghcr\.io/a/alg"]}).refusal

    assert refusal is not None
    assert "beginning" in refusal


def test_two_names_of_one_digest_are_the_same_image_and_the_digest_is_run() -> None:
    digest = "sha256:abc"
    digests = {"ghcr.io/a/alg:1": digest, "ghcr.io/a/alg@sha256:abc": digest}
    verdict = check({"allowed_algorithms": ["ghcr.io/a/alg@sha256:abc"]}, digests=digests)

    assert verdict == Verdict(None, "ghcr.io/a/alg:1@sha256:abc")


def test_another_digest_is_another_image() -> None:
    digests = {"ghcr.io/a/alg:1": "sha256:new", "ghcr.io/a/alg@sha256:abc": "sha256:abc"}

    assert not is_allowed({"allowed_algorithms": ["ghcr.io/a/alg@sha256:abc"]}, digests=digests)


def test_an_unknown_digest_allows_nothing() -> None:
    assert not is_allowed({"allowed_algorithms": ["ghcr.io/a/alg:2"]})


ANY = {"allowed_algorithms": [".*"]}


@pytest.mark.parametrize("user", ["5", 5])
def test_users_match_by_value(user: str | int) -> None:
    assert is_allowed({**ANY, "allowed_users": [user]})
    assert not is_allowed({**ANY, "allowed_users": [user]}, facts(init_user_id=6))


@pytest.mark.parametrize("organization", ["2", 2, "Registry"])
def test_organizations_match_by_id_and_name(organization: str | int) -> None:
    policies = {**ANY, "allowed_organizations": [organization]}

    assert is_allowed(policies)
    assert not is_allowed(policies, facts(init_org_id=3))


def test_an_allowed_user_or_an_allowed_organization_is_enough() -> None:
    policies = {**ANY, "allowed_users": [9], "allowed_organizations": [2]}

    assert is_allowed(policies)
    assert is_allowed(policies, facts(init_org_id=3, init_user_id=9))
    assert not is_allowed(policies, facts(init_org_id=3, init_user_id=8))


def test_an_organization_whose_name_cannot_be_looked_up_now_is_asked_about_later() -> None:
    api = Api()
    api.is_away = True
    with pytest.raises(ConnectionFailedError):
        check({**ANY, "allowed_organizations": ["Registry"]}, api=api)


def test_a_store_on_the_list_has_to_offer_the_image() -> None:
    policies, api = {"allowed_algorithm_stores": [STORE]}, Api()
    assert is_allowed(policies, facts(store_id=6), api)

    api.offers = False
    assert not is_allowed(policies, facts(store_id=6), api)


def test_other_stores_and_tasks_without_store_are_refused() -> None:
    policies = {"allowed_algorithm_stores": [STORE]}

    assert not is_allowed(policies, facts(store_id=7))
    assert not is_allowed(policies, facts())


def test_store_expressions_have_to_fit_all_of_the_address() -> None:
    assert is_allowed({"allowed_algorithm_stores": [r"https://.*/api"]}, facts(store_id=6))
    assert not is_allowed({"allowed_algorithm_stores": [r"https://store"]}, facts(store_id=6))


def both(image_fits: bool, store_fits: bool, either: bool) -> bool:
    policies = {
        "allowed_algorithms": [".*" if image_fits else "other"],
        "allowed_algorithm_stores": [STORE],
        "allow_either_whitelist_or_store": either,
    }
    return is_allowed(policies, facts(store_id=6 if store_fits else 7))


@pytest.mark.parametrize("image_fits", [True, False])
@pytest.mark.parametrize("store_fits", [True, False])
def test_both_lists_count_unless_either_is_enough(image_fits: bool, store_fits: bool) -> None:
    assert both(image_fits, store_fits, either=False) is (image_fits and store_fits)
    assert both(image_fits, store_fits, either=True) is (image_fits or store_fits)


def test_either_does_not_open_the_node_when_only_one_list_is_configured() -> None:
    either = {"allow_either_whitelist_or_store": True}

    assert not is_allowed({**either, "allowed_algorithms": ["other"]})
    assert not is_allowed({**either, "allowed_algorithm_stores": [STORE]}, facts(store_id=7))


@pytest.mark.parametrize("version", ["", ":latest", ":1", "@sha256:abc"])
def test_the_basics_image_can_be_switched_off_in_all_versions(version: str) -> None:
    image = f"ghcr.io/vantage6/algorithm-basics{version}"

    assert is_allowed(ANY, facts(image))
    assert not is_allowed({**ANY, "allow_basics_algorithm": False}, facts(image))


def test_images_named_like_the_basics_image_are_not_meant() -> None:
    image = "ghcr.io/vantage6/algorithm-basics-plus:1"

    assert is_allowed({**ANY, "allow_basics_algorithm": False}, facts(image))
