"""The lease with which builds take turns at a record store in S3.

One object names the holder of the turn and its number, which grows with each turn. The holder
renews it; one that stops changing is taken over. Only changes are watched, never another build's
clock, so clocks need not agree. The holder counts its turn from before the renewal was sent, and
who takes over from when the change was seen, so the turn has ended for the one before it begins
for the other.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from package_gate.core.errors import StoreError, TurnError
from package_gate.records.s3_objects import Objects, OverwrittenError

KEY = "lease"
OWN_SHARE = 0.9
"""Of the lease's time that its holder uses, so that two clocks may run a little differently."""
RENEWALS = 4
"""So often it is renewed in the time for which it stands."""


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the object says."""

    turn: int
    holder: str
    """A text of its own for each turn; "" when it is free."""
    renewal: int = 0


_read_holder = msgspec.json.Decoder(Holder).decode


def now() -> float:
    """Tell the seconds since the machine was started, those that it slept too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """A build's lease. `check` and `renew` may be called from several threads."""

    def __init__(
        self,
        objects: Objects,
        seconds: float,
        wait_seconds: float,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = now,
    ) -> None:
        """Take no turn yet.

        Args:
            objects: where its object is; their client's time-outs are far below `seconds`.
            seconds: how long it stands when nobody renews it.
            wait_seconds: how long to wait for a turn.
            sleep: waits.
            clock: tells seconds.
        """
        self._objects = objects
        self._seconds = seconds
        self._wait_seconds = wait_seconds
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._etag: str | None = None
        self._held = Holder(0, "")
        self._until = 0.0
        self._lost = False
        self.took_over = False
        """Whether the build before did not end its turn: it may still be at work."""

    @property
    def turn(self) -> int:
        """The number of this build's turn; 0 before it has one."""
        return self._held.turn

    def acquire(self) -> None:
        """Take the lease when it is free or has not changed for as long as it stands.

        Raises:
            StoreError: another build holds it for too long, or the object can't be read or written.
        """
        start = seen_since = self._clock()
        seen: str | None = None
        while True:
            stored = self._objects.get(KEY)
            now = self._clock()
            etag = stored.etag if stored else None
            holder = _holder(stored.body) if stored else Holder(0, "")
            if not holder.holder or (etag == seen and now - seen_since >= self._seconds):
                with suppress(OverwrittenError):  # by another build that waits
                    self._take(holder.turn, etag)
                    self.took_over = bool(holder.holder)
                    return
                continue
            if etag != seen:
                seen, seen_since = etag, now
            if now - start >= self._wait_seconds:
                raise StoreError(
                    f"Another run holds {self._objects.address(KEY)} for longer than "
                    f"{self._wait_seconds:.0f} s. Run the gate again when it is done."
                )
            self._sleep(self._seconds / 10)

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew it until the block ends."""
        done = threading.Event()
        renewal = threading.Thread(target=self._renew_until, args=(done,), daemon=True)
        renewal.start()
        try:
            yield
        finally:
            done.set()
            renewal.join()

    def check(self) -> None:
        """Make sure that nobody has taken over, by the clock; when it is late, by a renewal.

        Raises:
            TurnError: somebody has, or nobody can tell.
        """
        if not self._lost and self._clock() < self._until:
            return
        if not self.turn:
            raise TurnError("This run has not waited for its turn at the record store.")
        try:
            self.renew()
        except TurnError:
            raise
        except StoreError as error:
            raise TurnError(f"Whose turn it is could not be told. {error}") from error

    def renew(self) -> None:
        """Say that this build is still at work.

        Raises:
            TurnError: another build has taken over.
            StoreError: it could not be said.
        """
        with self._lock:
            if self._lost:
                raise self._taken_over()
            self._write(msgspec.structs.replace(self._held, renewal=self._held.renewal + 1))
            if self._clock() >= self._until:
                raise StoreError("The renewal of this run's turn took longer than the turn.")

    def free(self) -> None:
        """Let the next build begin at once.

        Raises:
            StoreError: it could not be said, or it is another build's; it runs out by itself.
        """
        with self._lock:
            if not self._lost:
                self._write(Holder(self._held.turn, ""))
                self._lost = True

    def _take(self, last_turn: int, etag: str | None) -> None:
        # A number that time gives too goes on growing when somebody has removed the object.
        turn = max(last_turn + 1, int(time.time()))
        with self._lock:
            self._etag = etag
            sent = self._clock()
            held = Holder(turn, uuid.uuid4().hex)
            self._etag = self._put(held)
            self._held, self._until = held, sent + self._seconds * OWN_SHARE

    def _write(self, holder: Holder) -> None:
        sent = self._clock()
        try:
            self._etag = self._put(holder)
        except OverwrittenError as error:
            self._lost = True
            raise self._taken_over() from error
        self._held, self._until = holder, sent + self._seconds * OWN_SHARE

    def _put(self, holder: Holder) -> str:
        body = msgspec.json.encode(holder)
        return self._objects.put(KEY, body, over=self._etag, turn=holder.turn)

    def _renew_until(self, done: threading.Event) -> None:
        while not done.wait(self._seconds / RENEWALS):
            try:
                self.renew()
            except TurnError:
                return
            except StoreError:  # S3 may answer the next time; `check` goes by the clock
                continue

    def _taken_over(self) -> TurnError:
        return TurnError(
            "This run stood still or was cut off for longer than its lease on the record store, "
            "and another run has taken over. That one goes on."
        )


def _holder(body: bytes) -> Holder:
    """Read the object; what gate 0.1 wrote is nothing when it is free, and a text of its own."""
    if not body:
        return Holder(0, "")
    try:
        return _read_holder(body)
    except msgspec.DecodeError:
        return Holder(0, "unknown")
