"""A client for tests of algorithms: the organizations and their data live in this process."""

from __future__ import annotations

import copy
import importlib
import json
import logging
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vantage6.algorithm.tools.dispatch import check_arguments, find_function, parse_call
from vantage6.algorithm.tools.metadata import RunMetaData
from vantage6.algorithm.tools.mock_objects import (
    collaboration_object,
    organization_object,
    result_object,
    run_object,
    task_object,
)
from vantage6.algorithm.tools.preprocessing import preprocess_data
from vantage6.algorithm.tools.serialization import to_json_bytes
from vantage6.algorithm.tools.util import info
from vantage6.algorithm.tools.wrappers import load_data

__all__ = ["MockAlgorithmClient"]

Object = dict[str, Any]

_log = logging.getLogger(__name__)


class MockAlgorithmClient:
    """Stands in for the `AlgorithmClient` and carries out subtasks at once.

    Parameters
    ----------
    datasets : list of list of dict
        Per organization the list of its databases. A database is ``{"database": <DataFrame,
        file name or URI>, "db_type": …, "query": …, "sheet_name": …, "preprocessing": […]}``; a
        DataFrame needs no ``db_type``. All are read at once.
    module : str
        Name of the algorithm's package.
    collaboration_id : int, optional
        By default 1.
    organization_ids, node_ids : list of int, optional
        One per organization, by default 0, 1, 2 …. The first is the one that "this" run is at.
    """

    def __init__(
        self,
        datasets: list[list[Object]],
        module: str,
        collaboration_id: int | None = None,
        organization_ids: list[int] | None = None,
        node_ids: list[int] | None = None,
    ) -> None:
        self.log = _log
        self.n = len(datasets)
        self.all_organization_ids = _ids(organization_ids, self.n, "organization_ids")
        self.all_node_ids = _ids(node_ids, self.n, "node_ids")
        self.organization_id = self.all_organization_ids[0]
        self.node_id = self.all_node_ids[0]
        self.datasets_per_org = {
            id_: [_frame(database) for database in databases]
            for id_, databases in zip(self.all_organization_ids, datasets, strict=True)
        }
        self.organizations_with_data = list(self.all_organization_ids)
        self.collaboration_id = collaboration_id or 1
        self.study_id = None
        self.store_id = None
        self.module_name = module
        self.image = "mock_image"
        self.database = "mock_database"
        self.tasks: list[Object] = []
        self.runs: list[Object] = []
        self.results: list[Object] = []

        self.task = _Tasks(self)
        self.run = _Runs(self)
        self.result = _Results(self)
        self.organization = _Organizations(self)
        self.collaboration = _Collaborations(self)
        self.study = _Studies(self)
        self.vpn = _Addresses(self)
        self._scratch = _Scratch()

    def wait_for_results(self, task_id: int, interval: float = 1) -> list[Any]:
        """Return the results of a task, in the order of its organizations."""
        del interval  # everything has ended before anyone can wait
        info("Mocking waiting for results")
        return self.result.from_task(task_id)

    def at(self, organization_id: int) -> MockAlgorithmClient:
        """Return a copy of this client for a run at another organization."""
        position = self.all_organization_ids.index(organization_id)
        child = copy.deepcopy(self)
        child.organization_id = organization_id
        child.node_id = self.all_node_ids[position]
        return child

    def metadata(self, task_id: int) -> RunMetaData:
        """Return what ``@metadata`` hands to a run of a task at this organization."""
        scratch = self._scratch.folder()
        return RunMetaData(
            task_id=task_id,
            node_id=self.node_id,
            collaboration_id=self.collaboration_id,
            organization_id=self.organization_id,
            temporary_directory=scratch,
            output_file=scratch / "output",
            input_file=scratch / "input",
            token_file=scratch / "token",
        )


class _Scratch:
    """A temporary folder, made when it is needed, that all copies of a client share."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def __deepcopy__(self, memo: object) -> _Scratch:
        return self

    def folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="vantage6-mock-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder


class _Part:
    def __init__(self, parent: MockAlgorithmClient) -> None:
        self.parent = parent


class _Tasks(_Part):
    def get(self, task_id: int) -> Object:
        """Return the task at this position of the list of tasks."""
        tasks = self.parent.tasks
        return tasks[task_id] if task_id < len(tasks) else _unknown("task", task_id)

    def create(
        self,
        input_: Object,
        organizations: list[int],
        name: str = "mock",
        description: str = "mock",
    ) -> Object:
        """Carry out a function of the algorithm for each organization, and keep the results.

        Raises
        ------
        ValueError
            If no organization is given.
        KeyError
            If an organization is unknown.
        AttributeError
            If the algorithm has no such function, or none that a task may call.
        """
        if not organizations:
            raise ValueError("A task needs at least one organization; give their ids.")
        for id_ in organizations:
            if id_ not in self.parent.datasets_per_org:
                raise KeyError(id_)
        task = task_object(
            id_=len(self.parent.tasks) + 1,
            name=name,
            description=description,
            image=self.parent.image,
            organization_id=self.parent.organization_id,
            collaboration_id=self.parent.collaboration_id,
        )
        document = json.loads(to_json_bytes(input_, "the input of the subtask"))
        results = [self._run(document, task["id"], id_) for id_ in organizations]
        self.parent.tasks.append(task)
        for id_, result in zip(organizations, results, strict=True):
            self._keep(task["id"], id_, document, result)
        return task

    def _run(self, document: Any, task_id: int, organization_id: int) -> str:
        """Call the function as the node of an organization would; returns the result as JSON."""
        call = parse_call(document)
        function = find_function(importlib.import_module(self.parent.module_name), call.method)
        check_arguments(function, call)
        mocks = self._mocks(function, task_id, organization_id)
        return to_json_bytes(function(*call.args, **call.kwargs, **mocks)).decode()

    def _mocks(self, function: Callable[..., Any], task_id: int, organization_id: int) -> Object:
        """Return the keywords by which our decorators take what they would fetch themselves."""
        child = self.parent.at(organization_id)
        mocks: Object = {}
        if hasattr(function, "wrapped_in_algorithm_client_decorator"):
            mocks["mock_client"] = child
        if hasattr(function, "wrapped_in_data_decorator"):
            frames = self.parent.datasets_per_org[organization_id]
            mocks["mock_data"] = [frame.copy() for frame in frames]
        if hasattr(function, "wrapped_in_metadata_decorator"):
            mocks["mock_metadata"] = child.metadata(task_id)
        return mocks

    def _keep(self, task_id: int, organization_id: int, document: Any, result: str) -> None:
        id_ = len(self.parent.runs) + 1
        run = run_object(id_, task_id, organization_id, json.dumps(document))
        self.parent.runs.append(run)
        self.parent.results.append(result_object(id_, task_id, result))


class _Runs(_Part):
    def get(self, id_: int) -> Object:
        """Return a run."""
        found = [run for run in self.parent.runs if run["id"] == id_]
        return found[0] if found else _unknown("run", id_)

    def from_task(self, task_id: int) -> list[Object] | Object:
        """Return the runs of a task."""
        found = [run for run in self.parent.runs if run["task"]["id"] == task_id]
        return found or _unknown("task", task_id)


class _Results(_Part):
    def get(self, id_: int) -> Any:
        """Return the result of a run."""
        found = [item for item in self.parent.results if item["id"] == id_]
        return json.loads(found[0]["result"]) if found else _unknown("result", id_)

    def from_task(self, task_id: int) -> list[Any]:
        """Return the results of a task, in the order of its organizations."""
        items = self.parent.results
        return [json.loads(item["result"]) for item in items if item["task"]["id"] == task_id]


class _Organizations(_Part):
    def get(self, id_: int) -> Object:
        """Return an organization."""
        known = id_ in self.parent.all_organization_ids
        return organization_object(id_) if known else _unknown("organization", id_)

    def list(self) -> list[Object]:
        """Return all organizations."""
        return [organization_object(id_) for id_ in self.parent.all_organization_ids]


class _Collaborations(_Part):
    def get(self, is_encrypted: bool = True) -> Object:  # noqa: FBT001, FBT002 - the contract's
        """Return the collaboration."""
        return collaboration_object(self.parent.collaboration_id, is_encrypted=is_encrypted)


class _Studies(_Part):
    def get(self, id_: int) -> Object:
        """Return that there is no such study."""
        return _unknown("study", id_)

    def list(self) -> list[Object]:
        """Return no studies."""
        return []


class _Addresses(_Part):
    def get_addresses(self, **_: Any) -> list[Object]:
        """Return no addresses: nothing listens."""
        return []

    get_parent_address = get_addresses
    get_child_addresses = get_addresses
    get_sibling_addresses = get_addresses
    get_own_address = get_addresses


def _ids(given: Sequence[int] | None, number: int, name: str) -> list[int]:
    if given and len(given) != number:
        _log.warning("%s are ignored: %d are given for %d datasets", name, len(given), number)
    return list(given) if given and len(given) == number else list(range(number))


def _frame(database: Object) -> Any:
    """Read one database as the node's settings and the task would have it."""
    import pandas as pd

    source = database["database"]
    if isinstance(source, pd.DataFrame):
        frame = source
    else:
        frame = load_data(
            source, database.get("db_type"), database.get("query"), database.get("sheet_name")
        )
    steps = database.get("preprocessing")
    return preprocess_data(frame, steps) if steps else frame


def _unknown(noun: str, id_: int) -> Object:
    return {"msg": f"There is no {noun} {id_} in the mock client."}
