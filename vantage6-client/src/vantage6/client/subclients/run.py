"""Runs: one task at one organization, with status, log and input."""

from __future__ import annotations

from typing import Any

from vantage6.client.answers import Refusal
from vantage6.client.filter import post_filtering
from vantage6.client.log import logger
from vantage6.client.payloads import as_text, read_payload
from vantage6.client.subclients.base import Answer, SubClient
from vantage6.common.errors import DecryptionError, ResponseError
from vantage6.common.wire.paths import Path

__all__ = ["RunSubClient"]

_Range = tuple[str | None, str | None]


class RunSubClient(SubClient):
    """Look at runs."""

    @post_filtering(iterable=False)
    def get(
        self,
        id_: int,
        include_task: bool = False,
        decrypt_input: bool = True,
    ) -> Answer:
        """Return one run, by default with its input as text.

        Raises
        ------
        DecryptionError
            If the input is one of your own organization but cannot be decrypted.
        """
        query = {"include": "task" if include_task else None}
        run = self._request("get", Path.RUN.format(id=id_), params=query)
        if decrypt_input and not isinstance(run, Refusal):
            self._read_input(run)
        return run

    @post_filtering()
    def list(
        self,
        task: int | None = None,
        organization: int | None = None,
        state: str | None = None,
        node: int | None = None,
        include_task: bool = False,
        started: _Range | None = None,
        assigned: _Range | None = None,
        finished: _Range | None = None,
        port: int | None = None,
        page: int | None = None,
        per_page: int | None = None,
        *,
        decrypt_input: bool = True,
    ) -> Answer:
        """Return a page of the runs you may see, newest first.

        Parameters
        ----------
        task, organization, node, port : int, optional
            Only runs of this task, at this organization, at this node, with this port.
        state : {"open"}, optional
            Only runs that have not ended.
        include_task : bool
            Whether each run holds its task instead of a link to it.
        started, assigned, finished : tuple of two str, optional
            Range of times, each as ISO 8601 in UTC or None.
        page, per_page : int, optional
            Which page, and how many per page.
        decrypt_input : bool
            Whether to replace inputs by their text.

        Raises
        ------
        DecryptionError
            If an input is one of your own organization but cannot be decrypted. What is
            encrypted for others stays as it is.
        """
        query: dict[str, Any] = {
            "task_id": task,
            "organization_id": organization,
            "state": state,
            "node_id": node,
            "page": page,
            "per_page": per_page,
            "include": "task" if include_task else None,
            "port": port,
        }
        for name, limits in (("started", started), ("assigned", assigned), ("finished", finished)):
            if limits:
                query[f"{name}_from"], query[f"{name}_till"] = limits
        answer = self._request("get", Path.RUNS, params=query)
        if not isinstance(answer, Refusal):
            self._read_inputs(answer, wanted=decrypt_input)
        return answer

    @post_filtering()
    def from_task(
        self,
        task_id: int,
        include_task: bool = False,
        *,
        decrypt_input: bool = True,
    ) -> Answer:
        """Return all runs of a task, newest first; errors are those of `list`."""
        query = {"task_id": task_id, "include": "task" if include_task else None}
        answer = self._all_pages(Path.RUNS, query)
        self._read_inputs(answer, wanted=decrypt_input)
        return answer

    def _read_inputs(self, answer: Answer, *, wanted: bool) -> None:
        if wanted:
            for run in answer["data"]:
                self._read_input(run)

    def _read_input(self, run: Answer) -> None:
        """Replace a run's input by its text, where it was meant for us."""
        cryptor = self.parent.cryptor
        if cryptor is None or not run.get("input"):
            return
        try:
            data = read_payload(
                self.parent.transport,
                cryptor.cryptor,
                run["input"],
                is_reference=bool(run.get("blob_storage_used")),
            )
        except ResponseError as error:
            logger.warning("The input of run %s cannot be fetched: %s", run["id"], error)
            return
        except DecryptionError as error:
            self._unreadable(run, error, has_key=cryptor.cryptor.encrypts)
            return
        run["input"] = as_text(data)

    def _unreadable(self, run: Answer, error: DecryptionError, *, has_key: bool) -> None:
        """Leave what is meant for others as it is; complain about what is meant for us."""
        whoami = self.parent.whoami
        is_ours = whoami is not None and run["organization"]["id"] == whoami.organization_id
        if is_ours and has_key:
            raise DecryptionError(
                f"The input of run {run['id']} cannot be read: {error} "
                "Pass decrypt_input=False to look at runs without their inputs."
            ) from error
        reason = error if is_ours else "it is encrypted for the organization that runs it."
        logger.info("The input of run %s stays encrypted: %s", run["id"], reason)
