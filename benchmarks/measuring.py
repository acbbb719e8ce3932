"""Measures a call in a fresh process: wall, CPU, peak memory, facts; knows nothing of what it runs.

A call names a function that returns `Prepared`; what that function does to get ready, and one
warming run, stand outside the clock: start-up and imports are not measured.
"""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]


def _nothing() -> None:
    """Default of the steps a measurement may lack."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Something ready to be timed.

    run: what the clock sees; facts: what its last result says, comparable between ours and peers;
    warm: loads lazy imports and opens connections; before: done before every run; end: closes.
    """

    run: Callable[[], Any]
    facts: Callable[[Any], dict[str, Any]]
    warm: Callable[[], object] = _nothing
    before: Callable[[], object] = _nothing
    end: Callable[[], object] = _nothing


@dataclass(frozen=True, slots=True)
class Call:
    """A function `module:name` that returns `Prepared`, and its keyword arguments (JSON)."""

    function: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of every run: `first_s` apart, `seconds` (wall) and `cpu_s` of those after it.

    With a single run it stands in both.  `peak_bytes` is that of the process, packages included.
    """

    first_s: float
    seconds: tuple[float, ...]
    cpu_s: tuple[float, ...]
    peak_bytes: int
    facts: dict[str, Any]

    @property
    def median_s(self) -> float:
        """Median wall time of the runs after the first."""
        return median(self.seconds)

    @property
    def spread_s(self) -> tuple[float, float]:
        """Fastest and slowest of these runs."""
        return min(self.seconds), max(self.seconds)


Measure = Callable[[Call, int], Timing]
"""(call, runs after the first; 0 = only one run) → timing."""


def peak_bytes() -> int:
    """Highest resident memory of this process so far.

    VmHWM where there is a /proc: `ru_maxrss` of a child starts at what its parent had.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(found if sys.platform == "darwin" else found * 1024)


def here(call: Call, runs: int) -> Timing:
    """Measure in this process (the smoke test; peak memory then says nothing)."""
    module, _, name = call.function.partition(":")
    prepared: Prepared = getattr(importlib.import_module(module), name)(**call.options)
    try:
        prepared.warm()
        walls: list[float] = []
        cpus: list[float] = []
        result: Any = None
        for _ in range(1 + runs):
            result = None
            prepared.before()
            cpu, wall = time.process_time(), time.perf_counter()
            result = prepared.run()
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        peak = peak_bytes()
        facts = prepared.facts(result)
    finally:
        prepared.end()
    kept = slice(1, None) if runs else slice(0, 1)
    return Timing(walls[0], tuple(walls[kept]), tuple(cpus[kept]), peak, facts)


def in_fresh_process(call: Call, runs: int) -> Timing:
    """Measure in a process of its own; RuntimeError with its last lines if it fails."""
    with tempfile.TemporaryDirectory(prefix="wasteflow-bench-") as folder:
        out = Path(folder) / "timing.json"
        spec = json.dumps({**asdict(call), "runs": runs, "out": str(out)})
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.measuring"],
            input=spec,
            text=True,
            capture_output=True,
            cwd=ROOT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{call.function} failed:\n{done.stderr[-3000:]}")
        found = json.loads(out.read_text(encoding="utf-8"))
    return Timing(
        found["first_s"],
        tuple(found["seconds"]),
        tuple(found["cpu_s"]),
        found["peak_bytes"],
        found["facts"],
    )


def joined(timings: Sequence[Timing]) -> Timing:
    """One timing of single runs in processes of their own (what cannot be repeated in one)."""
    return Timing(
        timings[0].first_s,
        tuple(item.first_s for item in timings),
        tuple(item.cpu_s[0] for item in timings),
        max(item.peak_bytes for item in timings),
        timings[-1].facts,
    )


def _worker() -> None:
    """Read a call from standard input, measure it, write the timing where it says."""
    spec = json.load(sys.stdin)
    timing = here(Call(spec["function"], spec["options"]), spec["runs"])
    Path(spec["out"]).write_text(json.dumps(asdict(timing)), encoding="utf-8")


if __name__ == "__main__":
    _worker()
