"""Being told to stop: Ctrl-C noted so that a sweep can put away what is complete, and other signals taken for it.

Nothing heavy is imported here: a signal may come before anything else is.
"""

from __future__ import annotations

import math
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

PATIENCE = 1.5
"""Seconds after Ctrl-C in which tasks under way may still end and be stored."""
STOPPING = "stopping: what is complete is being kept …"


class CtrlC:
    """While it is entered, Ctrl-C is noted, so that what is under way can still end and be stored.

    A second Ctrl-C is raised at once, wherever the sweep is: whatever is being written is there whole or not at all.
    Only where Ctrl-C would raise KeyboardInterrupt: in the main thread, under Python's own handler.
    """

    def __init__(self, on_message: Callable[[str], None] | None = None) -> None:
        self.pressed = False
        self.on_message = on_message
        self._held = False
        self._deadline = math.inf

    def __enter__(self) -> CtrlC:
        in_main = threading.current_thread() is threading.main_thread()
        self._held = in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._held:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._held:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if kind is None:
            self.check()  # one that came after the last look was not heard yet

    def overdue(self) -> bool:
        """True when Ctrl-C was pressed and what was under way has had its time. The first call after it says so."""
        if not self.pressed:
            return False
        if self._deadline == math.inf:
            self._deadline = time.monotonic() + PATIENCE
            if self.on_message is not None:
                self.on_message(STOPPING)
        return time.monotonic() > self._deadline

    def check(self) -> None:
        """Raise KeyboardInterrupt when Ctrl-C was pressed."""
        if self.pressed:
            raise KeyboardInterrupt

    def _note(self, *_: object) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True


class Ended:
    """By which signal a process was told to end: Ctrl-C unless another one came."""

    number: int = signal.SIGINT

    @property
    def exit_code(self) -> int:
        """As shells give it: 130 after Ctrl-C, 129 when the terminal was closed, 143 after SIGTERM."""
        return 128 + self.number


@contextmanager
def any_end_as_ctrl_c() -> Iterator[Ended]:
    """Take SIGTERM (of ``kill``, or of a system that ends jobs) and SIGHUP (the terminal was closed) for Ctrl-C.

    Only those that would end this process: after ``nohup`` it goes on without its terminal. Gives what tells which of
    them came.
    """
    ended = Ended()

    def press(number: int, frame: FrameType | None) -> None:
        ended.number = number
        if number != signal.SIGTERM:
            _leave_terminal()
        pressed = signal.getsignal(signal.SIGINT)
        if not callable(pressed):  # the shell lets no Ctrl-C through to what it runs in the background
            raise KeyboardInterrupt
        pressed(signal.SIGINT, frame)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    in_main = threading.current_thread() is threading.main_thread()
    taken = [number for number in numbers if in_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, press)
    try:
        yield ended
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _leave_terminal() -> None:
    """Write no more to a terminal that is gone: it would be an error. Files and pipes are written to as before."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a stream that is no file, as in tests
            if stat.S_ISCHR(os.fstat(stream.fileno()).st_mode):
                os.dup2(nowhere, stream.fileno())
