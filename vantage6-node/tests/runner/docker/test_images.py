"""Why an image cannot be had, in one sentence that names it and the remedy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, ImageNotFound

from vantage6.common.status import RunStatus
from vantage6.node.runner import RegistryLogin, RunnerUnavailableError
from vantage6.node.runner.docker.images import Images, PullRefusal, classify


class FakeApi:
    """An engine with some images and one answer to pulls."""

    def __init__(self, failure: str | None = None, present: tuple[str, ...] = ()) -> None:
        self.failure = failure
        self.present = present
        self.pulls: list[tuple[str, str, Any]] = []

    def pull(self, repository: str, *, tag: str, auth_config: Any, **_: Any) -> Any:
        self.pulls.append((repository, tag, auth_config))
        if self.failure and self.failure.startswith("!"):
            raise APIError("x", explanation=self.failure[1:])
        steps = [{"status": "Pulling"}]
        return iter([*steps, {"error": self.failure}] if self.failure else steps)

    def inspect_image(self, image: str) -> dict[str, str]:
        if image not in self.present:
            raise ImageNotFound("no such image")
        return {"Id": image}


def test_an_image_is_pulled_by_exactly_its_reference() -> None:
    api = FakeApi()
    images = Images(api)
    for image in ("a/b", "registry.test:5000/a/b:1.2", "a/b@sha256:12"):
        images.ensure(image)

    assert [pull[:2] for pull in api.pulls] == [
        ("a/b", "latest"),
        ("registry.test:5000/a/b", "1.2"),
        ("a/b", "sha256:12"),
    ]


def test_a_registry_gets_its_own_credentials_only() -> None:
    api = FakeApi()
    logins = [
        RegistryLogin("https://registry.test/v2/", "me", "secret"),
        RegistryLogin("docker.io", "hub", "other"),
    ]
    images = Images(api, logins)
    for image in ("registry.test/a/b", "elsewhere.test/a/b", "a/b"):
        images.ensure(image)

    assert [pull[2] for pull in api.pulls] == [
        {"username": "me", "password": "secret"},
        None,
        {"username": "hub", "password": "other"},
    ]
    assert "secret" not in repr(logins)


@pytest.mark.parametrize("failure", ["manifest unknown", "!manifest unknown"])
def test_a_failed_pull_is_the_end_even_with_a_local_copy(failure: str) -> None:
    images = Images(FakeApi(failure, present=("a/b:1",)))

    with pytest.raises(PullRefusal, match="'a/b:1'") as caught:
        images.ensure("a/b:1")
    assert caught.value.status is RunStatus.NO_DOCKER_IMAGE


def test_a_local_copy_is_enough_if_the_settings_say_so() -> None:
    images = Images(FakeApi("manifest unknown", present=("a/b:1",)), require_pull=False)

    images.ensure("a/b:1")
    with pytest.raises(PullRefusal):
        images.ensure("a/b:2")


def test_a_registry_that_is_away_does_not_delay_each_run() -> None:
    api = FakeApi("dial tcp: i/o timeout", present=("a/b:1",))
    images = Images(api, require_pull=False)

    images.ensure("a/b:1")
    images.ensure("a/b:1")

    assert len(api.pulls) == 1


def test_a_helper_of_the_node_is_pulled_only_if_it_is_missing() -> None:
    api = FakeApi(present=("a/b:1",))
    images = Images(api)
    images.ensure_present("a/b:1")
    images.ensure_present("a/c:1")

    assert [pull[0] for pull in api.pulls] == ["a/c"]


def test_a_digest_that_the_registry_does_not_give_is_not_known() -> None:
    def inspect_distribution(image: str, **_: Any) -> Any:
        response = SimpleNamespace(status_code=500, url="", reason="")
        raise APIError("x", response, explanation=f"{image}: no such host")

    images = Images(SimpleNamespace(inspect_distribution=inspect_distribution))

    assert images.digest("registry.test/a:1") is None


def test_an_engine_that_is_away_says_nothing_about_digests() -> None:
    def inspect_distribution(_image: str, **_: Any) -> Any:
        raise requests.ConnectionError("refused")

    with pytest.raises(RunnerUnavailableError):
        Images(SimpleNamespace(inspect_distribution=inspect_distribution)).digest("a:1")


def test_one_login_that_fails_does_not_keep_the_others_from_being_tried() -> None:
    tried: list[str] = []

    def login(username: str, *_: Any, **__: Any) -> None:
        tried.append(username)
        response = SimpleNamespace(status_code=500, url="", reason="")
        raise APIError("x", response, explanation="no such host")

    logins = [RegistryLogin(f"{name}.test", name, "secret") for name in ("one", "two")]
    Images(SimpleNamespace(login=login), logins).check_logins()

    assert tried == ["one", "two"]


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("Get https://r/v2/: dial tcp: lookup r: no such host", "network of the data station"),
        ("dial tcp 10.0.0.1:443: connect: connection refused", "network of the data station"),
        ("net/http: TLS handshake timeout", "network of the data station"),
        ("manifest for a/b:1 not found: manifest unknown: manifest unknown", "its name and tag"),
        ('{"message": "name unknown"}', "its name and tag"),
        ("unauthorized: authentication required", "docker_registries"),
        (
            "pull access denied for a/b, repository does not exist or may require 'docker login'",
            "docker_registries",
        ),
        ("invalid reference format", "its name and the registry"),
    ],
)
def test_a_reason_comes_with_what_to_do(reason: str, remedy: str) -> None:
    text = str(classify("a/b:1", reason))

    assert "'a/b:1'" in text
    assert remedy in text
    assert "\n" not in text
