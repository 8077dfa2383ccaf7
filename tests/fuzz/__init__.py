"""Random calls of every public function, valid and not, held against naive oracles.

    python tests/fuzz [--count 5000] [--seed 0] [--processes 2] [--pool full] [--only K]

Call k of a seed is always the same one. Calls run in processes of their own, some hundreds in each;
what a process is about to do stands in a file, so that one that dies or hangs names its call, and
its successor goes on after it. A call passes if

- it is valid, and the result is what the oracle says;
- or it was made invalid on purpose, and a ValueError or TypeError says so, in the function's name,
  with `out` as it was.

Everything else is a failure: another exception, a warning, a byte of an argument that has changed,
or a byte around `out`. Ends with `N passed, M failed` on a line of its own; exit status 1 on a
failure. `--only K` makes one call in this process and shows it.

Modules, each of which imports those before it only:

- `pools`: which kernels a run visits; `draw` and `memory`: numbers, and arrays that hold them
- `case`: a call; `reading` and `judge`: what it must give
- `makers`: a valid call of each function; `faults`: how to make it invalid
- `calls`: one call made, run and judged; `run`: all of them, and the command line
"""
