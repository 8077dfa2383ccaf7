"""Ctrl-C while a kernel is compiled: it is never lost, and never blamed on the disk."""

import os
import signal

import child
import pytest

from fastsample._kernels.compiler import interrupts, making


@pytest.fixture(autouse=True)
def _heard():
    """Ctrl-C is heard, even if a shell has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


needs_signals = pytest.mark.skipif(os.name == "nt", reason="a process there cannot signal itself")


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def compiling(count, done):
    """A kernel during which there are so many interrupts."""
    for _ in range(count):
        interrupt()
    done.append("kernel")


@needs_signals
def test_an_interrupt_waits_for_the_kernel():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        compiling(1, done)
    assert done == ["kernel"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@needs_signals
def test_a_second_one_does_not_wait():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held():
        compiling(2, done)
    assert not done


@needs_signals
def test_handlers_of_others_stay():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append("other"))
    try:
        with interrupts.held():
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == ["other"]


def test_code_that_an_interrupt_has_dropped_is_an_interrupt():
    class Kernel:
        native_name = "kernel"

        @property
        def _library(self):
            raise RuntimeError("no compiled object yet for <Library 'kernel'>")

    with pytest.raises(KeyboardInterrupt):
        making._code_of(Kernel())


@needs_signals
def test_a_second_one_ends_a_command():
    script = """if True:
        import os, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from fastsample._cli.interrupts import ending_at_second_interrupt
        from fastsample._kernels.compiler import interrupts
        with ending_at_second_interrupt(), interrupts.held():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            print("went on")
    """
    done = child.run(["-c", script])
    assert (done.returncode, done.stdout) == (130, "")
