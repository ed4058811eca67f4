"""Whose turn it is: what a run asks before each step that others see."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from package_gate.core.errors import TurnError


def _for_ever() -> None:
    """A turn that only the end of the process takes away."""


class Turn:
    """A run's turn to write records, to publish, to withdraw and to send emails.

    It ends when the run does, and is lost when another run has taken over. What was begun before
    can't be called back, so its end is waited for.
    """

    def __init__(self, held: Callable[[], None] = _for_ever) -> None:
        """Begin one; `held` raises `TurnError` when another run may have taken over."""
        self._held = held
        self._ended = False
        self._under_way = 0
        self._changed = threading.Condition()

    def ask(self) -> None:
        """Make sure that it is still this run's turn.

        Raises:
            TurnError: it is not, or nobody can tell.
        """
        if self._ended:
            raise TurnError("The run was stopped. The next run goes on from there.")
        self._held()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Ask, and then be waited for until the block ends.

        Raises:
            TurnError: as `ask`; the block is not begun then.
        """
        with self._changed:
            self.ask()
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def stop(self) -> None:
        """Let no further step begin."""
        self._ended = True

    def end(self, patience_seconds: float) -> bool:
        """Stop, and tell whether the steps that are under way ended within this time."""
        self.stop()
        deadline = time.monotonic() + patience_seconds
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._under_way, max(0, deadline - time.monotonic())
            )
