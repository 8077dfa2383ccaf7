"""warmup: kernels compiled before they are needed."""

from __future__ import annotations

from collections.abc import Callable

from ._calls import warm


def warmup(every: bool = False, progress: Callable[[int, int], None] | None = None) -> int:
    """Compile kernels into the cache on disk, so that no call has to wait for them.

    For a container image, for example, or once after an installation.

    Parameters
    ----------
    every : bool
        Whether to compile all that float32, float64 and uint8 images need with float32 coordinates:
        some three hundred stages, half a second to two seconds each. Otherwise the common ones;
        which, ``docs/concepts/startup.md`` says.
    progress : callable, optional
        Called with how many are ready and how many there are, before the first and after each.

    Returns
    -------
    int
        How many stages of kernels are ready.

    Raises
    ------
    TypeError
        An argument of another type.

    Notes
    -----
    What is in the cache already is only read. Processes may do this at the same time. The folder is
    Numba's: beside the package if it can be written, else the user's, or `NUMBA_CACHE_DIR`.

    References
    ----------
    Numba, "Notes on Caching".

    Convention
    ----------
    A kernel is for one CPU: the machine that compiles and the one that runs must be alike.

    Examples
    --------
    >>> import fastsample as fs
    >>> fs.warmup(progress=print)  # doctest: +SKIP
    """
    if not isinstance(every, bool):
        raise TypeError(f"warmup: every must be True or False; got {every!r}")
    if progress is not None and not callable(progress):
        raise TypeError(f"warmup: progress must be a function; got {progress!r}")
    jobs = warm.jobs(every)
    for done, job in enumerate(jobs):
        if progress is not None:
            progress(done, len(jobs))
        job()
    if progress is not None:
        progress(len(jobs), len(jobs))
    return len(jobs)
