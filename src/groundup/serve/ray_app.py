"""The same engine as a Ray Serve application: replicas over several machines, scaled by load.

    from ray import serve
    from groundup.serve.ray_app import application

    serve.run(application("smollm2", replicas=2), blocking=True)

Each replica opens the model and runs its own engine; Ray's proxy spreads requests over them. All
routes are those of `groundup serve`, the chat page among them. Needs the extra `cluster`.

Left out: API keys and limits (they would count for each replica alone; put them in front), and
choosing a replica by its prefix cache (`serve.router` does that; Ray has its own ways).
"""

import importlib
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from groundup.inference.engine import EngineConfig
from groundup.inference.open_engine import OpenedEngine, open_engine
from groundup.serve.app import create_app
from groundup.serve.operation import Operation
from groundup.serve.operation_config import OperationConfig
from groundup.serve.pages import chat_page
from groundup.serve.service import Service, served


def application(
    source: str,
    *,
    replicas: int | tuple[int, int] = 1,
    cpus: float = 1.0,
    gpus: float = 0.0,
    config: EngineConfig | None = None,
    open_: Callable[..., OpenedEngine] = open_engine,
) -> Any:
    """A Ray Serve application, for `serve.run`.

    `replicas`: so many, or between so many as requests come and go; `cpus` and `gpus`: what each
    takes. `open_` opens the model in each replica. Raises ValueError without Ray.
    """
    try:
        ray_serve = importlib.import_module("ray.serve")
    except ModuleNotFoundError as missing:
        raise ValueError("this needs Ray; `pip install 'groundup[cluster]'`") from missing
    settings: dict[str, Any] = {
        "name": "groundup",
        "ray_actor_options": {"num_cpus": cpus, "num_gpus": gpus},
        "max_ongoing_requests": 256,  # the engine has a queue of its own, and says when it is full
    }
    if isinstance(replicas, tuple):
        least, most = replicas
        settings["autoscaling_config"] = {"min_replicas": least, "max_replicas": most}
    else:
        settings["num_replicas"] = replicas

    def build() -> FastAPI:
        return replica_app(open_(source, config=config))

    # Ray sends the function to each replica and calls it there; an engine cannot be sent.
    return ray_serve.deployment(**settings)(ray_serve.ingress(build)()).bind()


def replica_app(opened: OpenedEngine) -> FastAPI:
    """All routes around one engine, as `groundup serve` has them."""
    model = served(opened)
    operation = Operation(OperationConfig(), models={model.name: model.context})
    service = Service([model], observer=operation.observer, gate=operation.gate)
    return create_app(
        service, middleware=operation.middleware, routers=[chat_page(), operation.router(service)]
    )
