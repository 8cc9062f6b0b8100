"""A log file that cannot grow without end; standard library only, the launcher uses it too."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import TracebackType

__all__ = ["BoundedLog"]


class BoundedLog:
    """Writes the beginning and the end of a log, and says how much is left out between them.

    The beginning goes to the file at once; at most half of the limit is held in memory for the
    end, whatever the lengths of lines and chunks are.

    Parameters
    ----------
    path : Path
        The file; an older one is replaced.
    limit : int
        Bytes to keep, the mark not counted.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._file = path.open("wb", buffering=0)
        self._head_left = limit - limit // 2
        self._tail_limit = limit // 2
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._left_out = 0

    def __enter__(self) -> BoundedLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, chunk: bytes) -> None:
        """Add bytes to the log."""
        if self._head_left:
            head = chunk[: self._head_left]
            self._file.write(head)
            self._head_left -= len(head)
            chunk = chunk[len(head) :]
        if not chunk:
            return
        self._tail.append(chunk)
        self._tail_bytes += len(chunk)
        self._shorten_tail()

    def close(self) -> None:
        """Write the mark and the end, and close the file."""
        if self._file.closed:
            return
        if self._left_out:
            mark = f"\n[... {self._left_out} bytes of the log are left out here ...]\n"
            self._file.write(mark.encode("ascii"))
        for chunk in self._tail:
            self._file.write(chunk)
        self._tail.clear()
        self._file.close()

    def _shorten_tail(self) -> None:
        surplus = self._tail_bytes - self._tail_limit
        while surplus > 0:
            oldest = self._tail.popleft()
            if len(oldest) > surplus:
                self._tail.appendleft(oldest[surplus:])
            dropped = min(len(oldest), surplus)
            surplus -= dropped
            self._tail_bytes -= dropped
            self._left_out += dropped
