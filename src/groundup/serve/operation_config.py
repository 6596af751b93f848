"""How a server is watched and how it ends: the settings of `operation`, without what it imports."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class OperationConfig:
    """Logs, metrics, traces, costs, and the time to stop."""

    shutdown_timeout: float = 30.0
    """Seconds that answers under way may take after the server was told to stop."""
    log: Path | None = None
    """A file for one JSON line an event, or - for the error output."""
    log_prompts: int = 0
    """How many bytes of a request's body to log: that is the prompt. 0: none."""
    metrics_prefix: str = "groundup"
    """What metrics' names begin with; vllm makes dashboards for vLLM show this server."""
    traces_to: str = ""
    """An OpenTelemetry collector for spans, as http://127.0.0.1:4318/v1/traces."""
    price: float = 0.0
    """What the machine costs an hour, for /cost."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in ("shutdown_timeout", "log_prompts", "price"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if not self.metrics_prefix.isidentifier():
            raise ValueError(f"metrics_prefix is {self.metrics_prefix!r}; wanted letters, as vllm")
        if self.log_prompts and self.log is None:
            raise ValueError("log_prompts says what to log; say where with --log FILE, or --log -")
