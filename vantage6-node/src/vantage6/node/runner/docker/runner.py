"""Runs algorithms in containers, each on a network of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import requests
from docker.errors import APIError, NotFound

from vantage6.common.errors import ConfigurationError
from vantage6.common.wire.container import SCRATCH_FOLDER, Label
from vantage6.node.network.gateways import PROXY_NAME, NodeGateway, RelayGateway
from vantage6.node.network.isolated import Gateway, Slot, SlotPool
from vantage6.node.runner.base import (
    Bind,
    RunHandle,
    RunnerUnavailableError,
    RunOutput,
    RunPhase,
    RunSpec,
    RunState,
    StartError,
)
from vantage6.node.runner.bounded_log import BoundedLog
from vantage6.node.runner.docker.containers import (
    container_name,
    ended_state,
    host_config,
    run_labels,
)
from vantage6.node.runner.docker.engine import (
    Purpose,
    connect,
    container_output,
    engine_errors,
    explanation,
    label_filter,
)
from vantage6.node.runner.docker.images import Images
from vantage6.node.runner.docker.volumes import (
    HostPaths,
    ScratchVolumes,
    own_container,
    run_folder_in_container,
    run_mounts,
)
from vantage6.node.runner.environment import RunView, run_environment, write_context
from vantage6.node.runner.files import OutputError, open_to_run, read_output
from vantage6.node.runner.options import RunnerOptions

__all__ = ["DockerRunner"]

_CREATED = "created"
_STARTS = 2
_CONFLICT = 409

_log = logging.getLogger(__name__)


class DockerRunner:
    """Runs algorithms in containers.

    Parameters
    ----------
    api : docker.APIClient
        The engine.
    options : RunnerOptions
        Whose runs these are, folders, limits, images.
    images : Images
        The engine's images.
    slots : SlotPool
        The networks.
    paths : HostPaths
        How the engine calls the files of the node.
    """

    def __init__(
        self, api: Any, options: RunnerOptions, images: Images, slots: SlotPool, paths: HostPaths
    ) -> None:
        self._api = api
        self._options = options
        self._images = images
        self._slots = slots
        self._paths = paths
        self._scratch = ScratchVolumes(api, options.owner)
        self._preparing = threading.Lock()
        self._is_closed = False

    @classmethod
    def connect(cls, options: RunnerOptions) -> DockerRunner:
        """Return a runner on this machine's engine that knows what is left of earlier runs.

        Raises
        ------
        ConfigurationError
            If the engine does not answer, or the proxy cannot be reached from containers.
        """
        api = connect()
        docker = options.docker
        images = Images(api, docker.registries, require_pull=docker.require_pull)
        container = own_container(api)
        paths = HostPaths.of_container(container) if container else HostPaths()
        gateway: Gateway
        if container is not None:
            gateway = NodeGateway(api, container["Id"], _proxy_port(options))
        else:
            gateway = RelayGateway(
                api,
                options.owner,
                docker.relay_image,
                images.ensure_present,
                _proxy_socket(options),
            )
        slots = SlotPool(
            api, options.owner, gateway, IPv4Network(docker.slot_pool), docker.services
        )
        runner = cls(api, options, images, slots, paths)
        runner._remove_unstarted(runner._containers())
        slots.load(handle.data["network"] for handle in runner.adopt())
        return runner

    def prepare(self) -> None:
        """Make the first networks and the relay, try the registry logins, and tidy up."""
        with self._preparing:
            if self._is_closed:
                return
            self._slots.warm(self._options.docker.warm_slots)
        self._images.check_logins()
        with engine_errors():
            self._scratch.remove_old(self._options.docker.scratch_days)

    def start(self, spec: RunSpec) -> RunHandle:
        """Start a run, or return the handle of the one already there for this run id.

        Raises
        ------
        StartError
            If it cannot be started; nothing is left behind.
        """
        with engine_errors():
            existing = self._existing(spec.run_id)
            if existing is not None:
                return existing
            self._images.ensure(spec.image)
            spec.require_wanted()
            for attempt in range(1, _STARTS + 1):
                try:
                    return self._start_new(spec)
                except APIError as error:
                    if not _blames_network(error) or attempt == _STARTS:
                        raise _start_error(spec, error) from error
        raise AssertionError("unreachable")

    def poll(self, handle: RunHandle) -> RunState:
        """Tell how the run is doing; never blocks."""
        try:
            with engine_errors():
                details = self._api.inspect_container(handle.data["container"])
        except NotFound:
            return RunState(
                RunPhase.GONE,
                reason=f"The container of run {handle.run_id} has been removed by someone else; "
                "start the task again.",
            )
        if details["State"]["Status"] in ("exited", "dead"):
            return ended_state(details["State"], self._options.limits)
        return RunState(RunPhase.RUNNING)

    def wait(self, handle: RunHandle, timeout: float) -> RunState:
        """Return as soon as the run ends, or after `timeout` seconds."""
        try:
            self._api.wait(handle.data["container"], timeout=max(timeout, 0.1))
        except (NotFound, requests.ReadTimeout):
            pass
        except requests.ConnectionError as error:
            # A time-out while the answer is read comes as a broken connection; `poll` tells
            # whether the engine is really away.
            _log.debug("Waiting for run %s broke off: %s", handle.run_id, error)
        return self.poll(handle)

    def collect(self, handle: RunHandle, folder: Path) -> RunOutput:
        """Read output, log and exit code of a run that ended; may be repeated."""
        state = self.poll(handle)
        log_file = self._options.log_folder / f"{handle.run_id}.log"
        self._copy_log(handle, log_file)
        try:
            result = read_output(folder, self._options.limits.result_bytes)
        except OutputError as error:
            return RunOutput(state.exit_code, b"", log_file, state.reason or str(error))
        return RunOutput(state.exit_code, result, log_file, state.reason)

    def stop(self, handle: RunHandle, grace: float) -> None:
        """End the run, forcibly after `grace` seconds; silent when it is gone already."""
        with engine_errors():
            try:
                self._stop(handle.data["container"], grace)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != _CONFLICT:  # it was not running
                    raise

    def remove(self, handle: RunHandle) -> None:
        """Remove the container, and make its network free for the next run."""
        with engine_errors():
            self._remove_container(handle.data["container"])
        self._slots.release(handle.data["network"])

    def adopt(self) -> Iterable[RunHandle]:
        """Return handles of this node's runs that are still present, running or ended."""
        with engine_errors():
            containers = self._containers()
        return [_handle(container) for container in containers if container["State"] != _CREATED]

    def image_digest(self, image: str) -> str | None:
        """Return the digest the registry has for an image, or None if it cannot be known."""
        return self._images.digest(image)

    def close(self) -> None:
        """Remove the networks without runs; the relay too if no run is left."""
        try:
            with self._preparing:  # what is being made must not come after the tidying
                self._is_closed = True
                with engine_errors():
                    self._remove_unstarted(self._containers())
                self._slots.close()
        except RunnerUnavailableError as error:
            _log.warning("The networks of runs are left for the next start: %s", error)
        self._api.close()

    def _existing(self, run_id: int) -> RunHandle | None:
        """Return the run's handle if it has been started; what was only made is removed."""
        containers = self._containers(**{Label.RUN_ID: str(run_id)})
        self._remove_unstarted(containers)
        return next((_handle(each) for each in containers if each["State"] != _CREATED), None)

    def _containers(self, **labels: str) -> list[dict[str, Any]]:
        filters = label_filter(self._options.owner, Purpose.RUN, **labels)
        found: list[dict[str, Any]] = self._api.containers(all=True, filters=filters)
        return found

    def _remove_unstarted(self, containers: Iterable[Mapping[str, Any]]) -> None:
        """Remove containers that were made and, for whatever reason, not started."""
        for container in containers:
            if container["State"] == _CREATED:
                self._remove_container(container["Id"])
                self._slots.release(_handle(container).data["network"])

    def _start_new(self, spec: RunSpec) -> RunHandle:
        open_to_run(spec.folder)
        slot = self._slots.take()
        try:
            container = self._create(spec, slot)
        except BaseException as error:
            self._give_back(slot, error)
            raise
        try:
            self._api.start(container)
        except APIError as error:
            # Only then is it sure that it does not run. If the engine did not answer, the slot
            # stays in use until the next attempt finds out.
            self._remove_container(container)
            self._give_back(slot, error)
            raise
        return RunHandle(spec.run_id, {"container": container, "network": slot.name})

    def _give_back(self, slot: Slot, error: BaseException) -> None:
        if isinstance(error, APIError) and _blames_network(error):
            self._slots.discard(slot)
        else:
            self._slots.release(slot.name)

    def _create(self, spec: RunSpec, slot: Slot) -> str:
        view = self._view(spec)
        environment = run_environment(spec, view)
        write_context(spec, view)
        owner = self._options.owner
        scratch = self._scratch.ensure(spec.job_id)
        hosts = {PROXY_NAME: str(slot.proxy_address), **self._slots.service_hosts(slot)}
        arguments = {
            "image": spec.image,
            "detach": True,
            "environment": environment,
            "labels": run_labels(owner, spec.run_id),
            "host_config": self._api.create_host_config(
                **host_config(
                    spec, run_mounts(spec, scratch, self._paths), slot, hosts, self._options
                )
            ),
            "networking_config": self._api.create_networking_config(
                {slot.name: self._api.create_endpoint_config(ipv4_address=str(slot.run_address))}
            ),
        }
        return self._create_under_free_name(spec.run_id, arguments)

    def _create_under_free_name(self, run_id: int, arguments: Mapping[str, Any]) -> str:
        owner = self._options.owner
        name = container_name(owner, run_id)
        try:
            return str(self._api.create_container(name=name, **arguments)["Id"])
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise
        # A node with the same name, for another server, has it; ours are known by their labels.
        name = f"{name}-{owner.instance[:8]}"
        return str(self._api.create_container(name=name, **arguments)["Id"])

    def _view(self, spec: RunSpec) -> RunView:
        return RunView(
            folder=run_folder_in_container(spec.run_id),
            scratch=SCRATCH_FOLDER,
            proxy_host=PROXY_NAME,
            proxy_port=self._slots.gateway.port,
            locations={
                label: database.target if isinstance(database, Bind) else database
                for label, database in spec.databases.items()
            },
        )

    def _copy_log(self, handle: RunHandle, log_file: Path) -> None:
        log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        container, limit = handle.data["container"], self._options.limits.log_bytes
        try:
            with (
                engine_errors(),
                container_output(self._api, container) as pieces,
                BoundedLog(log_file, limit) as log,
            ):
                for piece in pieces:
                    log.write(piece)
        except APIError as error:
            if not log_file.exists():  # else it was read before
                log_file.write_text(f"[The log cannot be read: {explanation(error)}.]\n")

    def _stop(self, container: str, grace: float) -> None:
        if grace <= 0:
            self._api.kill(container)
            return
        self._api.stop(container, timeout=int(grace))

    def _remove_container(self, container: str) -> None:
        try:
            self._api.remove_container(container, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != _CONFLICT:  # its removal has begun already
                raise


def _handle(container: Mapping[str, Any]) -> RunHandle:
    return RunHandle(
        int(container["Labels"][Label.RUN_ID]),
        {"container": container["Id"], "network": container["HostConfig"]["NetworkMode"]},
    )


def _blames_network(error: APIError) -> bool:
    """Tell whether a slot does not work: its network was removed, or something is still on it."""
    return isinstance(error, NotFound) or "address already in use" in explanation(error).lower()


def _start_error(spec: RunSpec, error: APIError) -> StartError:
    return StartError(
        f"The container of run {spec.run_id} with image {spec.image!r} cannot be started "
        f"({explanation(error)}); check the image and the data of the station."
    )


def _proxy_port(options: RunnerOptions) -> int:
    if options.proxy.port is None:
        raise ConfigurationError(
            "This node runs in a container, where algorithms reach its proxy over TCP, but the "
            "proxy has no port; set the environment variable PROXY_SERVER_PORT, usually to 80."
        )
    return options.proxy.port


def _proxy_socket(options: RunnerOptions) -> Path:
    if options.proxy.socket is None:
        raise ConfigurationError("The proxy of this node has no socket, so no run can reach it.")
    return options.proxy.socket
