"""How large the last-level cache is taken to be, and which results are written past it."""

import numpy as np
import pytest

from fastsample._calls.splines import caches, line_steps


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Let the system tell this size of the last-level cache; None: it tells none."""

    def tell(text):
        path = tmp_path / "size"
        if text is not None:
            path.write_bytes(text)
        monkeypatch.setattr(caches, "LAST", path)
        caches.last_level.cache_clear()
        line_steps._kept.cache_clear()

    yield tell
    caches.last_level.cache_clear()
    line_steps._kept.cache_clear()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"8192K\n", 8 * 2**20),
        (b"32M", 32 * 2**20),
        (b"107520K\n", 0),  # a Xeon's, of which a call has a small part
        (b"", 0),
        (b"K", 0),
        (b"-4K", 0),
        (b"8192", 0),
        (b"\xff\xfe", 0),
        (None, 0),
    ],
)
def test_size(told, text, size):
    told(text)
    assert caches.last_level() == size


def streamed(shape, axes):
    """Which of the steps along some axes of doubles write past the caches."""
    strides, dtype = np.empty(shape).strides, np.dtype("f8")
    lines = [line_steps.Line(a, shape[a], 0, 3, "mirror", None, shape[a]) for a in axes]
    array = shape, strides, dtype
    work = line_steps._prepared(array, array, lines, line_steps.NO_BORDER, dtype)
    return [bool(job["stream"]) for call in work.calls for job in call.job]


@pytest.mark.parametrize(("text", "past"), [(b"8192K", True), (b"32768K", False), (None, True)])
def test_results_that_fit_are_not_streamed(told, text, past):
    told(text)
    assert streamed((1024, 1000), (0, 1)) == [past, past]
    assert streamed((1024, 1024), (1,)) == [past]


@pytest.mark.parametrize(("shape", "axis"), [((1024, 1024), 0), ((1024, 1000), 1)])
def test_results_that_no_step_reads_are_streamed(told, shape, axis):
    told(b"32768K")
    assert streamed(shape, (axis,)) == [True]


def test_a_result_that_lies_where_it_was_read_from_is_not_streamed(told):
    told(b"32768K")
    array = (2, 600, 1000), (4800000, 8000, 8), np.dtype("f8")
    source = line_steps.side_of(line_steps.OUT, *array)
    line = line_steps.Line(0, 2, 0, 3, "mirror", None, 2)
    calls, _ = line_steps.calls_of(source, array, [line], line_steps.NO_BORDER, array[2])
    assert [call.job["stream"][0] for call in calls] == [0]
    source = line_steps.side_of(line_steps.IMAGE, *array)
    calls, _ = line_steps.calls_of(source, array, [line], line_steps.NO_BORDER, array[2])
    assert [call.job["stream"][0] for call in calls] == [1]
