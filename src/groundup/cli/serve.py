"""Serve models to OpenAI's clients and to a chat page in the browser.

- groundup serve smollm2
- groundup serve runs/stdlib smollm2 --port 8080 --quant q8
- groundup serve smollm2 --host 0.0.0.0 --api-key SECRET

Only this machine can connect unless --host says otherwise. Ctrl-C lets the answers under way end
and stops; a second one stops at once.
"""

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from groundup import swap
from groundup.inference.engine import EngineConfig
from groundup.inference.open_engine import BackendName, Quant
from groundup.serve.limits import Limits
from groundup.serve.operation_config import OperationConfig
from groundup.serve.settings import ServerSettings

CHAPTER = "talk"
NEEDED = ("fastapi", "uvicorn", "prometheus_client", "llguidance")
"""What the extra `serve` brings."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `groundup serve` can be told."""

    models: Annotated[
        tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="MODEL [MODEL ...]")
    ]
    """Each smollm2, runs/NAME, a folder in Hugging Face's layout, or a .gguf file."""
    name: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """What clients call the models, in their order; by default what they are opened as."""
    host: str = "127.0.0.1"
    """The address to listen at; 0.0.0.0 lets other machines connect."""
    port: int | None = None
    """The port; by default 8000 or the next free one, 0 takes any."""
    quant: Quant = "auto"
    """The form of the weights."""
    backend: BackendName = "auto"
    """What computes: kernels for this processor, or torch."""
    device: str = "auto"
    """Where torch computes: auto, cpu or cuda."""
    cache_mb: int = 512
    """Memory for the keys and values of each model, in MiB."""
    engine: tyro.conf.OmitArgPrefixes[EngineConfig] = field(default_factory=EngineConfig)
    """How many requests run and wait."""
    api_key: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """A key that clients must send; once for each. --keys keeps them off the command line."""
    keys: Path | None = None
    """A TOML or JSON file of keys with names and limits."""
    limits: tyro.conf.OmitArgPrefixes[Limits] = field(default_factory=Limits)
    """What each --api-key may use; without keys, what all may use together."""
    operation: tyro.conf.OmitArgPrefixes[OperationConfig] = field(default_factory=OperationConfig)
    """How the server is watched, and how it ends."""
    cors: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """An origin whose web pages may call this server, as https://example.org; once for each."""
    connections: int = 1000
    """Most connections at a time."""
    bounds: ServerSettings = field(default_factory=ServerSettings)
    """What the server bears."""
    use: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Run your function in place of a part: room.module:function=file.py[:name]."""


def run(arguments: list[str]) -> int:
    """Open the models, say where they are served, and serve until stopped."""
    options = tyro.cli(Options, args=arguments, prog="groundup serve", description=__doc__)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"serving needs {', '.join(missing)}; get it with `pip install 'groundup[serve]'`"
        )
    from groundup.cli import _serving

    with swap.replaced([swap.load(use) for use in options.use]):
        return _serving.serve(options)
