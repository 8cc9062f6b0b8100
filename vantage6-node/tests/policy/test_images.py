"""Reading image references and patterns."""

from __future__ import annotations

import pytest

from vantage6.common.errors import ConfigurationError
from vantage6.node.policy.images import Pattern, is_expression, without_version


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("python", "python"),
        ("python:3", "python"),
        ("docker.io/me/alg:1", "me/alg"),
        ("docker.io/library/python", "library/python"),
        ("ghcr.io/a/b:1@sha256:abc", "ghcr.io/a/b"),
        ("ghcr.io/a/b@sha256:abc", "ghcr.io/a/b"),
        ("localhost:5000/alg:1", "localhost:5000/alg"),
        ("localhost:5000/alg", "localhost:5000/alg"),
    ],
)
def test_tag_digest_and_default_registry_are_no_part_of_the_name(image: str, name: str) -> None:
    assert without_version(image) == name


@pytest.mark.parametrize("sign", list("*\\?$^[](){}|+"))
def test_each_special_sign_makes_an_expression(sign: str) -> None:
    assert is_expression(f"a{sign}b")


def test_a_dot_does_not_make_an_expression() -> None:
    assert not is_expression("ghcr.io/a/b:1.2")


def test_an_expression_has_to_fit_all_of_the_name() -> None:
    pattern = Pattern.parse(r"^ghcr\.io/a/b", "policies.allowed_algorithms")

    assert pattern.fits("ghcr.io/a/b")
    assert not pattern.fits("ghcr.io/a/b-other:1")
    assert pattern.fits_start("ghcr.io/a/b-other:1")


def test_a_dot_in_a_literal_means_a_dot() -> None:
    assert not Pattern.parse("ghcr.io/a/b", "x").fits("ghcrxio/a/b")


def test_an_invalid_expression_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match=r"'\(' of policies\.allowed_algorithms"):
        Pattern.parse("(", "policies.allowed_algorithms")
