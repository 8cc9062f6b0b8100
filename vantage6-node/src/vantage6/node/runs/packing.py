"""From the output of an algorithm to the file that the outbox sends."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from vantage6.common.crypto.base import Cryptor
from vantage6.common.errors import PublicKeyError
from vantage6.common.status import RunStatus
from vantage6.node.link.keyring import KeyRing
from vantage6.node.runner.base import RunOutput
from vantage6.node.runs.machine import Packed, PackedResult
from vantage6.node.runs.model import RunRecord

__all__ = ["Packer", "inline_chunks", "result_file_name"]

_CHUNK_SIZE = 3 * 256 * 1024
_SEPARATORS = 2
_LOG_LIMIT = 64 * 1024
_NO_RESULT = (
    "The algorithm ended with exit code 0 but wrote no result; it must write one, which may be "
    "null, to the file named by OUTPUT_FILE."
)


class Packer:
    """Turns what a run left into a final status, a sentence and a packed result.

    Parameters
    ----------
    folder : Path
        Folder of the outbox.
    cryptor : Cryptor
        Scheme of the collaboration.
    keys : KeyRing
        Has the keys of the organizations that get results.
    share_logs : bool
        Whether the server gets the algorithm's log. Otherwise it stays at the station.
    """

    def __init__(
        self,
        folder: Path,
        cryptor: Cryptor,
        keys: KeyRing,
        *,
        share_logs: bool,
    ) -> None:
        self._folder = folder
        self._cryptor = cryptor
        self._keys = keys
        self._share_logs = share_logs

    def pack(self, record: RunRecord, output: RunOutput) -> Packed:
        """Return the run's end; the packed result is on the disk by then.

        Raises
        ------
        TransportError
            If the receiver's key is not known and the server cannot be asked.
        """
        status, sentence = _verdict(output)
        try:
            # Also of a run that failed: its empty result is what released clients expect.
            result: PackedResult | None = self._result(record, output)
        except PublicKeyError as error:
            result = None
            if status is RunStatus.COMPLETED:
                status = RunStatus.FAILED
                sentence = f"The result cannot be encrypted for its receiver: {error}"
        return Packed(status, self._log(sentence, output.log_file), result)

    def _result(self, record: RunRecord, output: RunOutput) -> PackedResult:
        key = self._keys.current(record.facts.init_org_id) if self._cryptor.encrypts else ""
        plain = _pieces(output.result)
        if record.facts.has_blob:
            packed = self._cryptor.encrypt_stream(plain, key)
        else:
            packed = inline_chunks(self._cryptor, plain, key)
        return self._write(result_file_name(record.run_id), packed)

    def _write(self, name: str, chunks: Iterable[bytes]) -> PackedResult:
        path = self._folder / name
        partial = path.with_suffix(".partial")
        size = 0
        with partial.open("wb") as file:
            partial.chmod(0o600)
            for chunk in chunks:
                size += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(self._folder)
        return PackedResult(name, size)

    def _log(self, sentence: str, log_file: Path) -> str:
        if not self._share_logs or not log_file.is_file():
            return sentence
        with log_file.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_LIMIT))
            text = file.read().decode(errors="replace").replace("\x00", "")
        cut = f"[the first {size - _LOG_LIMIT} bytes are left out]\n" if size > _LOG_LIMIT else ""
        return f"{cut}{text.rstrip()}\n{sentence}"


def _sync_folder(folder: Path) -> None:
    """Make sure that a file's new name is still there after a power cut."""
    if os.name != "posix":
        return  # a folder cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def result_file_name(run_id: int) -> str:
    """Name the file with a run's packed result."""
    return f"{run_id}.result"


def inline_chunks(cryptor: Cryptor, chunks: Iterable[bytes], recipient_key: str) -> Iterator[bytes]:
    """Give the inline form of a message in pieces.

    It is the blob form with the ciphertext in base64; without encryption the two are the same
    (contract, crypto sections 4, 5 and 7).
    """
    stream = cryptor.encrypt_stream(chunks, recipient_key)
    if not cryptor.encrypts:
        yield from stream
        return
    rest = b""
    for chunk in stream:
        rest += chunk
        if rest.count(b"$") >= _SEPARATORS:
            break
    wrapped_key, iv, rest = rest.split(b"$", _SEPARATORS)
    yield wrapped_key + b"$" + iv + b"$"
    for chunk in stream:
        data = rest + chunk
        whole = len(data) - len(data) % 3
        rest = data[whole:]
        yield base64.b64encode(data[:whole])
    yield base64.b64encode(rest)


def _pieces(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    for start in range(0, len(data), _CHUNK_SIZE):
        yield bytes(view[start : start + _CHUNK_SIZE])


def _verdict(output: RunOutput) -> tuple[RunStatus, str]:
    """Return the final status of a run that ended by itself, and a sentence about it."""
    code, reason = output.exit_code, output.reason
    if code is None:
        why = reason or "how it ended is not known"
        return RunStatus.UNKNOWN_ERROR, f"The algorithm ended, but not in order: {why}"
    if code != 0:
        sentence = (
            f"The algorithm stopped with exit code {code}; its log is kept at the data station, "
            "which can tell why."
        )
        return RunStatus.CRASHED, f"{sentence} {reason}" if reason else sentence
    if reason:
        sentence = f"The algorithm ended, but its output cannot be used: {reason}"
        return RunStatus.FAILED, sentence
    if not output.result:
        return RunStatus.FAILED, _NO_RESULT
    return RunStatus.COMPLETED, "The algorithm ended with exit code 0."
