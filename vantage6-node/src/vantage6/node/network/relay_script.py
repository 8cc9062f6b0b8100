"""Passes TCP connections of runs on to the node's unix socket; standard library only.

The text of this file is the whole program of the relay's container, so nothing needs to be
mounted or installed there. It knows nothing about HTTP and keeps nothing.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter

READY = "relay ready"
CHUNK = 64 * 1024
PER_PEER = 32  # connections of one run, so that none can keep the others out
CONNECT_ATTEMPTS = 20
CONNECT_PAUSE = 0.5  # seconds; together long enough for the node to start again


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction to its end, and let the other side know of the end."""
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def connect(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Reach the node, and wait for it a little if it is just starting."""
    for attempt in range(CONNECT_ATTEMPTS):
        try:
            return await asyncio.open_unix_connection(path)
        except OSError:
            if attempt + 1 == CONNECT_ATTEMPTS:
                raise
            await asyncio.sleep(CONNECT_PAUSE)
    raise OSError(path)


async def main(path: str, port: int) -> None:
    """Relay until asked to end."""
    open_connections: Counter[str] = Counter()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        open_connections[peer] += 1
        try:
            if open_connections[peer] > PER_PEER:
                return
            node_reader, node_writer = await connect(path)
            try:
                await asyncio.gather(pump(reader, node_writer), pump(node_reader, writer))
            finally:
                node_writer.close()
        except OSError:
            pass
        finally:
            open_connections[peer] -= 1
            writer.close()

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(relay, "0.0.0.0", port)  # noqa: S104 - only runs are near
    print(READY, flush=True)  # noqa: T201 - the node waits for this line
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
