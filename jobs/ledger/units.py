"""What passes between the ledger and a worker: claimed units, results, outcomes, the worker's own heartbeat."""

from dataclasses import dataclass, field
from typing import Literal

from jobs.job import JobRequest
from jobs.model import ModelSpec
from jobs.script import Script
from jobs.window import Window


@dataclass(frozen=True, slots=True)
class PrepareUnit:
    """A claim to decode and cut one job's audio. `fence` must come back with every call about it.

    registered: the windows that earlier slices or attempts registered; go on where the last one's cut ends.
    (Decode again from the start and skip: cuts are deterministic. `repair` says that some window objects are missing:
    write again those that aren't in the store.)
    """

    job_id: str
    fence: int
    request: JobRequest
    spec: ModelSpec
    registered: int
    registered_stop: int
    slices: int
    repair: bool = False


@dataclass(frozen=True, slots=True)
class FinishUnit:
    """A claim to write one job's transcript.

    copy_of: the job whose transcript it is to be a copy of. channels: how many lie one after another on its timeline.
    """

    job_id: str
    fence: int
    request: JobRequest
    spec: ModelSpec
    total_samples: int
    copy_of: str | None = None
    channels: int = 1


@dataclass(frozen=True, slots=True)
class WindowLease:
    """A claim on one window. A suspect was in the running batch of a process that died; it comes alone."""

    job_id: str
    window: Window
    fence: int
    suspect: bool
    language: str | None
    task: str
    timestamps: str
    script: Script | None = None


@dataclass(frozen=True, slots=True)
class WindowResult:
    """A finished window: packed tokens (opaque to the ledger, under 2 KB) and its own text, for partial_text."""

    lease: WindowLease
    payload: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: accepted windows; refused ones, whose lease lapsed or whose job ended; jobs now complete."""

    accepted: int
    fenced: int
    completed_jobs: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entered:
    """What `create` did; true if the job is new. deduplicated_from: the job whose work or result it shares."""

    is_new: bool
    deduplicated_from: str | None = None

    def __bool__(self) -> bool:
        return self.is_new


@dataclass(frozen=True, slots=True)
class Caps:
    """The most audio that may wait, and be in progress, of one owner; 0: no cap. A job of any length may be alone.

    Audio that hasn't been decoded yet counts by a guess from its size.
    """

    queued_s: float = 0.0
    running_s: float = 0.0


class Refused(Exception):
    """The ledger refused a transition about a unit: its lease lapsed or its job ended. Drop the unit and go on."""


Kind = Literal["transcribe", "cpu"]


@dataclass(frozen=True, slots=True)
class Work:
    """What a transcribe worker's model has done since its process began.

    useful_s: audio of the windows without their context; read_s: with it. fill: the sum, over its batches, of how full
    each was (1: as long as a batch may be).
    """

    batches: int = 0
    windows: int = 0
    useful_s: float = 0.0
    read_s: float = 0.0
    compute_s: float = 0.0
    fill: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """In bytes. used, peak: by the worker's process, now and at most so far. total: what the device has."""

    used: int = 0
    peak: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One process that claims units, as its heartbeat describes it.

    incarnation: new at each start of a process. idle_slots: hints that it could act on at once.
    speed: seconds of audio transcribed per second, measured lately (0 until known; always 0 for cpu).
    """

    incarnation: str
    kind: Kind
    host: str
    pid: int
    model_keys: tuple[str, ...]
    idle_slots: int
    speed: float
    version: str
    draining: bool = False
    work: Work = Work()
    memory: DeviceMemory = DeviceMemory()


@dataclass(frozen=True, slots=True)
class ModelDemand:
    """Claimable work and free capacity of one model: what the reconciler turns into hints."""

    model_key: str
    claimable_windows: int
    idle_slots: int
    backlog_s: float
    speed: float


@dataclass(frozen=True, slots=True)
class Demand:
    claimable_cpu_units: int
    idle_cpu_slots: int
    models: list[ModelDemand]
