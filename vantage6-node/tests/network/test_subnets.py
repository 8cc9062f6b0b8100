"""Address ranges for networks."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from vantage6.node.network.isolated import Slot
from vantage6.node.network.subnets import free_subnets

POOL = IPv4Network("198.18.0.0/24")


def test_all_ranges_of_the_pool_are_given_once() -> None:
    found = list(free_subnets(POOL, [], prefix=28, offset=5))

    assert len(set(found)) == 16
    assert found[0] == IPv4Network("198.18.0.80/28")
    assert all(network.subnet_of(POOL) for network in found)


@given(st.sets(st.integers(0, 15)), st.integers(0, 100))
def test_ranges_in_use_are_left_out(used: set[int], offset: int) -> None:
    taken = [IPv4Network((POOL.network_address + 16 * number, 28)) for number in used]
    found = list(free_subnets(POOL, taken, prefix=28, offset=offset))

    assert len(found) == 16 - len(used)
    assert not any(network.overlaps(other) for network in found for other in taken)


def test_a_larger_network_in_use_is_avoided() -> None:
    taken = [IPv4Network("198.18.0.0/25"), IPv4Network("172.17.0.0/16")]
    found = list(free_subnets(POOL, taken, prefix=28))

    assert found[0] == IPv4Network("198.18.0.128/28")
    assert len(found) == 8


def test_a_large_pool_is_not_gone_through_in_advance() -> None:
    pool = IPv4Network("10.0.0.0/8")

    assert len(list(islice(free_subnets(pool, [], prefix=28), 3))) == 3


def test_addresses_of_a_slot_do_not_meet() -> None:
    slot = Slot("x", IPv4Network("198.18.0.16/28"))
    addresses = [slot.proxy_address, slot.run_address, slot.service_address(0)]

    assert [str(address) for address in addresses] == ["198.18.0.18", "198.18.0.19", "198.18.0.20"]
