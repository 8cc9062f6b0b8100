"""From an instance to an app that is ready to serve."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask

from vantage6.common.config.context import InstanceContext
from vantage6.common.config.load import Settings
from vantage6.server import migrations
from vantage6.server.app import create_app
from vantage6.server.periodic import PeriodicJobs
from vantage6.server.periodic.node_status import node_status_job
from vantage6.server.periodic.run_cleanup import run_cleanup_job
from vantage6.server.resources.auth import services
from vantage6.server.services.connections import set_everybody_offline
from vantage6.server.services.first_start import FirstStart, prepare
from vantage6.server.settings import load_server_settings
from vantage6.server.wiring import Services

__all__ = ["Started", "read_settings", "start_up"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Started:
    """An app whose database is ready, and what goes on beside it."""

    app: Flask
    services: Services
    jobs: PeriodicJobs
    first_start: FirstStart

    def close(self) -> None:
        """End the jobs and let go of the database; nobody is connected any more."""
        self.jobs.stop()
        with self.services.work() as work:
            set_everybody_offline(work)
        self.services.close()


def read_settings(
    context: InstanceContext, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Read and check the configuration of an instance.

    Raises
    ------
    ConfigurationError
        Naming the file, and everything that is wrong in it.
    """
    return load_server_settings(context.read(), str(context.config_file), environment)


def start_up(
    context: InstanceContext,
    settings: Settings,
    *,
    socket_mode: str,
    run_hash: Callable[[Callable[[], Any]], Any] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Started:
    """Bring the database up to date and start the periodic jobs.

    Raises
    ------
    ConfigurationError
        If a setting cannot be used, or the database does not answer.
    """
    context.make_folders()
    app = create_app(settings, context.data_dir, socket_mode=socket_mode, run_hash=run_hash)
    with app.app_context():
        here = services()
    for warning in here.warnings:
        _log.warning(warning)
    here.database.wait()
    migrations.upgrade(here.database)
    first_start = prepare(here.work, here.passwords, environment)
    with here.work() as work:
        set_everybody_offline(work)
    every = (node_status_job(here), run_cleanup_job(here))
    jobs = PeriodicJobs(job for job in every if job is not None)
    jobs.start()
    return Started(app, here, jobs, first_start)
