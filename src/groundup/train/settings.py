"""The settings of a training run: a frozen dataclass, checked when it is made."""

from dataclasses import dataclass, field

from groundup.optimizers.groups import OptimizerConfig
from groundup.optimizers.schedules import Kind
from groundup.train.compile import Compile
from groundup.train.precision import Device, Precision


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained; what is left open ("auto", minutes) is resolved once, in the plan."""

    steps: int | None = None
    """Updates in all; none: as many as fit into `minutes`, measured once before the first."""
    minutes: float = 8.0
    """Time for everything, compiling and evaluating too; not used when `steps` is given."""
    batch_size: int = 16
    """Sequences per update."""
    context: int = 256
    """Tokens per sequence."""
    micro_batch: int | None = None
    """Sequences at a time, when a whole batch does not fit the memory (none: all)."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """Who updates what, and how fast."""
    warmup: int = 20
    """Steps over which the learning rate rises; never more than a tenth of all."""
    schedule: Kind = "wsd"
    """The learning rate's course: constant, linear, cosine, wsd, wsd_sqrt."""
    decay: float = 0.6
    """Share of all steps over which `wsd` lowers the rate."""
    floor: float = 0.0
    """Share of the peak rate at the end."""
    clip: float | None = 1.0
    """Largest global norm of the gradient (none: not clipped)."""
    precision: Precision = "auto"
    """float32, bfloat16, or auto: what is measured to be faster."""
    compile: Compile = "auto"
    """Compile the loss: on, off, or auto (when the run is long enough to earn it back)."""
    device: Device = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    threads: int | None = None
    """CPU threads (none: as many as torch takes, one a core)."""
    seed: int = 0
    """Seed of whatever draws random numbers in the forward pass."""
    evaluate_every: int | None = None
    """Updates between evaluations (none: ten evaluations a run); there is one at the end."""
    evaluate_batches: int = 8
    """Validation batches per evaluation: the same ones each time."""
    checkpoint_seconds: float = 60.0
    """Write a checkpoint when the last one is this old."""
    checkpoint_every: int | None = None
    """Also write one every so many updates."""
    keep_last: int = 2
    """Checkpoints that stay."""
    keep_best: bool = False
    """Write and keep one whenever the validation loss is the lowest so far."""

    def __post_init__(self) -> None:
        least_one = ("batch_size", "context", "evaluate_batches", "keep_last")
        for name in (
            *least_one,
            "steps",
            "micro_batch",
            "evaluate_every",
            "checkpoint_every",
            "threads",
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        if not self.minutes > 0:
            raise ValueError(f"minutes is {self.minutes}; there must be some time to train in")
        if self.warmup < 0:
            raise ValueError(f"warmup is {self.warmup}; it must be 0 steps or more")
        for name in ("decay", "floor"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it is a share, from 0 to 1")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip}; it must be above 0, or none")
