"""What `groundup serve` can be told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from groundup.inference.engine import EngineConfig
from groundup.inference.open_engine import BackendName, Quant
from groundup.serve.limits import Limits
from groundup.serve.operation_config import OperationConfig
from groundup.serve.settings import ServerSettings


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
    threads: int | None = None
    """How many threads of the processor compute; by default one a core."""
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
