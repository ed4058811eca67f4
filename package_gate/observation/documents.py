"""What the gate and the outer room say to each other, and what is written of an observation."""

from typing import Annotated, Literal

import msgspec

MAX_REPORT_BYTES = 16 * 1024 * 1024
MAX_DEEDS = 500
"""The most different deeds of one kind that are kept of an observation."""

_Text = Annotated[str, msgspec.Meta(max_length=2000)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**50)]


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an observed package may use."""

    step_seconds: _Number = 60
    """One step, such as the import of one module, by the clock; ten times as long while it wants
    the processor and has not used so much of its time."""
    run_seconds: _Number = 1800
    """All steps of a run, by the clock."""
    memory_bytes: _Number = 4 * 2**30
    """All processes together; what is written counts by itself, see `disk_bytes`."""
    disk_bytes: _Number = 4 * 2**30
    """What is installed, and written; it lies in memory."""
    processes: _Number = 256
    """Processes and threads at once."""
    processors: _Number = 2
    """How many processors' time it gets, where control groups hold."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to observe: written by the gate, read in the outer room."""

    python: str
    """The interpreter that imports."""
    prefix: str
    """Where it is installed."""
    wheels: list[str]
    """File names of the package's wheel and of its closure, in that order; below `/wheels`. Where
    an sdist is built, that stands for the package's wheel."""
    hostname: str
    canaries: dict[str, str]
    """What each canary is → its value, which stands nowhere else."""
    authority: str
    """The key and certificate (PEM) by which the sinkhole signs its own."""
    bounds: Bounds
    sdist: str = ""
    """The file name of the sdist that is built, below `/wheels`; "" for none."""
    build: list[str] = []
    """File names of the wheels that its build needs."""
    groups: int = 0
    """How many control groups it is put into: `/groups/0` and so on."""


Held = Literal["memory", "processes", "processor"]
"""What control groups bound."""
StepKind = Literal["build", "startup", "import", "host", "script"]
DeedKind = Literal[
    "canary-sent",
    "canary-read",
    "connects",
    "resolves",
    "metadata",
    "starts",
    "persists",
    "writes",
    "listens",
    "closed-call",
    "busy",
    "limit",
]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was tried."""

    kind: StepKind
    subject: _Text
    """A module, a program, what a host loads, or a part of a build."""
    failure: _Text = ""
    """Why it did not come to its end; "" when it did."""


class Deed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was seen."""

    kind: DeedKind
    what: _Text
    """What was read, written, started or reached; the same for the same deed of another release."""
    step: _Number
    """In which step, by its place."""
    later: bool = False
    """Whether it was seen only with the clock 30 days on."""
    count: _Number = 1


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One time through all steps."""

    steps: list[Step]
    deeds: list[Deed]
    failure: _Text = ""
    """Why it did not come to its end; "" when it did."""
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the outer room answers."""

    runs: Annotated[list[Run], msgspec.Meta(max_length=4)]
    """Of the wheel, today and with the clock 30 days on; then the same of the sdist."""
    held: Annotated[list[Held], msgspec.Meta(max_length=3)] = []
    """What control groups bounded."""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the inner room says of a step as it ends, or of all that it has to do."""

    plan: Annotated[list[Step], msgspec.Meta(max_length=500)] = []
    ended: int = -1
    failure: _Text = ""
    seconds: float = 0.0
    """Of processor time that it used after it had come to its end."""
