"""Ctrl-C while a kernel is compiled.

LLVM hands the machine code over in a callback, where Python drops whatever is raised: an interrupt
that arrives there was lost in five of ten tries, and the code with it. So an interrupt waits for
the end of the kernel, which is then kept on disk; a second one does not wait.
"""

import contextlib
import signal
import threading
from typing import Any

LOST = "no compiled object yet"  # what Numba says of code whose callback was interrupted
second: list[Any] = [signal.default_int_handler]  # what the second one does; commands end


@contextlib.contextmanager
def held():
    """Let an interrupt wait for the end of what happens within."""
    if not _may_be_held():
        yield
        return
    came = []

    def note(number, frame):
        if came:
            second[0](number, frame)
        came.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt


def _may_be_held():
    """Signals are the main thread's, and a handler of somebody else's stays."""
    ours = threading.current_thread() is threading.main_thread()
    return ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler
