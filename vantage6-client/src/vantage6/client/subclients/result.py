"""Results: what the runs of a task have computed."""

from __future__ import annotations

from vantage6.client.answers import accepted
from vantage6.client.exceptions import NotLoggedInError
from vantage6.client.payloads import as_text, read_payload
from vantage6.client.subclients.base import Answer, SubClient
from vantage6.common.errors import DecryptionError
from vantage6.common.wire.paths import Path

__all__ = ["ResultSubClient"]


class ResultSubClient(SubClient):
    """Read results."""

    def get(self, id_: int) -> str | bytes | None:
        """Return the result of a run: JSON text, or None if there is none.

        Raises
        ------
        RefusedError
            If the server refuses.
        DecryptionError
            If the result cannot be decrypted with the key in use.
        """
        result = accepted(self._request("get", Path.RESULT.format(id=id_)))
        return self._read(result)

    def from_task(self, task_id: int) -> Answer:
        """Return the results of a task, newest run first.

        Returns
        -------
        dict
            Under ``data``, one dictionary per run whose ``result`` is JSON text: ``""`` for a
            run that failed, None for one that has not ended or was stopped.

        Raises
        ------
        RefusedError
            If the server refuses.
        DecryptionError
            If a result cannot be decrypted with the key in use.
        """
        answer = self._all_pages(Path.RESULTS, {"task_id": task_id})
        for result in answer["data"]:
            result["result"] = self._read(result)
        return answer

    def _read(self, result: Answer) -> str | bytes | None:
        """Return a result's text; bytes that are not UTF-8 stay bytes."""
        text = result["result"]
        if not text:
            return None if text is None else str(text)
        try:
            data = self._payload(text, is_reference=bool(result.get("blob_storage_used")))
        except DecryptionError as error:
            raise DecryptionError(
                f"The result of run {result['id']} cannot be read: {error}"
            ) from error
        return as_text(data)

    def _payload(self, text: str, *, is_reference: bool) -> bytes:
        cryptor = self.parent.cryptor
        if cryptor is None:
            raise NotLoggedInError("Nobody is logged in; call client.authenticate() first.")
        return read_payload(self.parent.transport, cryptor.cryptor, text, is_reference=is_reference)
