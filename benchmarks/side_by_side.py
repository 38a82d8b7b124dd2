"""Times several systems in one run: each in a process of its own, all in turns.

Only ratios of times that were taken together mean anything on a machine that others use too. Every
round times a few steps of each system while the others wait, and gives one ratio.
"""

import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import numpy as np

PROGRAM = pathlib.Path(__file__).with_name("systems.py")


class System:
    """A system in a process of its own, warmed up.

    Args:
        spec: dict; see `systems.py`. `backend` is the Keras backend.

    Attributes:
        rounds: list of float, the median time of a step in each round, in ms.
        peak_mib: float, the most memory that the process has held.
        error: str, why it does not run here; None if it does.
    """

    def __init__(self, spec):
        self.spec, self.rounds, self.peak_mib, self.error = spec, [], None, None
        environment = {
            **os.environ,
            "KERAS_BACKEND": spec.get("backend", "tensorflow"),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        # A file, for a pipe that nobody reads would fill up and stop the process.
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(spec)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.ready = self._answer()

    def time(self, steps):
        try:
            self._process.stdin.write(f"{steps}\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # It was ended from outside; what it said last tells more.
            pass
        answer = self._answer()
        if answer:
            self.rounds.append(float(np.median(answer["ms"])))
            self.peak_mib = answer["peak_mib"]

    def stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._log.close()

    @property
    def ms(self):
        return float(np.median(self.rounds))

    def _answer(self):
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        status = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        self.error = lines[-1] if lines else f"it ended with {status}"
        return {}


def measure(specs, rounds, steps):
    """Times systems in turns.

    Args:
        specs: dict of str to spec.
        rounds: int.
        steps: int, timed steps of a system in a round.

    Returns:
        dict of str to stopped `System`.
    """
    systems = {}
    for name, spec in specs.items():
        print(f"  starting {name}", file=sys.stderr, flush=True)
        systems[name] = System(spec)
        if systems[name].error:
            print(f"    does not run here: {systems[name].error}", file=sys.stderr, flush=True)
    for number in range(rounds):
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for system in systems.values():
            if not system.error:
                system.time(steps)
    for system in systems.values():
        system.stop()
    return systems


def ratio(system, other):
    """`(median, lowest, highest)` of the ratios of each round; None where one did not run."""
    if system is None or other is None or system.error or other.error:
        return None
    ratios = np.array(system.rounds) / np.array(other.rounds)
    return float(np.median(ratios)), float(ratios.min()), float(ratios.max())


def spread(values):
    """What `ratio` returns, as text."""
    return "does not run here" if values is None else "{:.2f} ({:.2f}-{:.2f})".format(*values)


def machine(systems):
    """What the times were taken on."""
    model = platform.processor() or platform.machine()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        flags = next((line for line in cpuinfo.read_text().splitlines() if "flags" in line), "")
        sets = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
        model = f"{lines[0].split(':')[1].strip() if lines else model} ({', '.join(sets)})"
    versions, accelerator = {}, None
    for system in systems:
        accelerator = accelerator or system.ready.get("accelerator")
        versions.update(system.ready.get("versions", {}))
    return {
        "date": datetime.date.today().isoformat(),
        "processor": model,
        "accelerator": accelerator,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": dict(sorted(versions.items())),
    }


def describe(facts):
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    device = f"{facts['accelerator']}, " if facts["accelerator"] else ""
    return (
        f"{facts['date']}, {device}{facts['cores']} cores of {facts['processor']}, as many "
        f"threads; Python {facts['python']}, {versions}"
    )


def markdown(heads, rows):
    """A Markdown table of lists of cells."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines)
