"""Choosing address ranges for networks; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

__all__ = ["RUN_PREFIX", "free_subnets"]

RUN_PREFIX = 28
"""Length of the prefix of the network of a run."""


def free_subnets(
    pool: IPv4Network, taken: Iterable[IPv4Network], *, prefix: int, offset: int = 0
) -> Iterator[IPv4Network]:
    """Give the ranges of a pool that do not overlap with others, each once.

    Parameters
    ----------
    pool : IPv4Network
        Where to choose from.
    taken : Iterable of IPv4Network
        Ranges in use.
    prefix : int
        Length of the prefix of the ranges to give.
    offset : int
        Which range to begin with; several nodes that begin in different places seldom meet.
    """
    occupied = [network for network in taken if network.overlaps(pool)]
    count = 2 ** (prefix - pool.prefixlen)
    size = 2 ** (pool.max_prefixlen - prefix)
    for number in range(count):
        first = pool.network_address + size * ((number + offset) % count)
        candidate = IPv4Network((first, prefix))
        if not any(candidate.overlaps(network) for network in occupied):
            yield candidate
