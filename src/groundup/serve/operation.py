"""What surrounds the models while they serve: keys and limits, metrics, logs, traces, costs.

Assembled from their settings: who watches and who refuses (`Service` gets both), middleware and
routes (`create_app`), and an application with a log around it.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from fastapi import APIRouter
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from groundup.serve import routes_operation
from groundup.serve.authentication import Authentication
from groundup.serve.cost import Costs
from groundup.serve.gate import KeyGate
from groundup.serve.keys import Keys
from groundup.serve.limits import Limits
from groundup.serve.logs import AccessLog, Log, RequestLog
from groundup.serve.metrics import Metrics
from groundup.serve.observer import Observer, Together
from groundup.serve.operation_config import OperationConfig
from groundup.serve.service import Service


class Operation:
    """The parts, in their places."""

    def __init__(
        self,
        config: OperationConfig,
        *,
        models: Mapping[str, int],
        keys: Keys | None = None,
        limits: Limits | None = None,
        errors: TextIO | None = None,
    ) -> None:
        """`models`: names and contexts; `limits`: of all together, where no key is asked for;
        `errors`: the stream that `--log -` means.
        """
        self.metrics = Metrics(models, prefix=config.metrics_prefix)
        self.costs = Costs(config.price)
        self.gate = KeyGate(keys, without_key=limits)
        self._config = config
        self._keys = keys
        self._log = _open_log(config.log, errors)
        watching: list[Observer] = [self.metrics, self.costs]
        if self._log is not None:
            watching.append(RequestLog(self._log))
        self._tracing = None
        if config.traces_to:
            if importlib.util.find_spec("opentelemetry") is None:
                raise ValueError(
                    "sending traces needs opentelemetry; get it with "
                    "`pip install 'groundup[tracing]'`"
                )
            from groundup.serve.tracing import open_tracing

            self._tracing = open_tracing(config.traces_to)
            watching.append(self._tracing)
        self.observer = Together(watching)

    @property
    def middleware(self) -> list[Middleware]:
        """What stands before the routes."""
        return [] if self._keys is None else [Middleware(Authentication, keys=self._keys)]

    def router(self, service: Service) -> APIRouter:
        """/metrics and /cost."""
        return routes_operation.router(service, self.metrics, self.costs)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with what stands around all of it."""
        if self._log is None:
            return app
        return AccessLog(app, self._log, bodies=self._config.log_prompts)

    def close(self) -> None:
        """Write and send what waits."""
        if self._tracing is not None:
            self._tracing.close()
        if self._log is not None:
            self._log.close()


def _open_log(target: Path | None, errors: TextIO | None) -> Log | None:
    if target is None:
        return None
    if target == Path("-"):
        if errors is None:
            raise ValueError("--log - wants a stream for errors, and there is none")
        return Log(errors)
    if not target.parent.is_dir():
        raise ValueError(f"--log is {target}; there is no folder {target.parent}")
    return Log(target)
