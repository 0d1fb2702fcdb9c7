"""What the benchmarks share: the stand-in as a process of its own, and the tap against it."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEY = "demo-key"
# Requests a minute that no run comes near to.
OUT_OF_REACH = 6_000_000


def build():
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--bins", "--examples"]
    subprocess.run(command, cwd=ROOT, check=True)


@dataclass(frozen=True)
class Request:
    """A request that the stand-in got: seconds since 1970, status of the answer, path and query."""

    moment: float
    status: int
    target: str


class StandIn:
    """Serves until it is left; then its requests can be read."""

    def __init__(self, *arguments, limits=(OUT_OF_REACH, OUT_OF_REACH), latency=0):
        self.work = tempfile.TemporaryDirectory()
        self.log = Path(self.work.name, "log")
        command = [ROOT / "target/release/examples/stand_in", "--log", self.log]
        command += ["--latency-ms", str(latency), "--limits", ",".join(map(str, limits)), *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.url = self.process.stdout.readline().strip()
        self.requests = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        lines = (line.split(" ", 2) for line in self.log.read_text().splitlines())
        self.requests = [Request(float(at), int(status), target) for at, status, target in lines]
        self.work.cleanup()

    def tap(self, streams, stdout=subprocess.DEVNULL, arguments=(), **settings):
        """Starts to read streams, or the default selection; settings are those of the tap."""
        settings |= {"api_key": KEY, "endpoint": self.url}
        names = {f"TAP_INCIDENT_{name.upper()}": str(value) for name, value in settings.items()}
        command = [ROOT / "target/release/tap-incident", *arguments]
        command += ["--select", ",".join(streams)] if streams else []
        with tempfile.TemporaryFile() as errors:
            tap = subprocess.Popen(command, stdout=stdout, stderr=errors, env=os.environ | names)
            tap.errors = os.fdopen(os.dup(errors.fileno()))
        return tap


def finish(tap):
    """Waits for the end of a run; one that fails ends the benchmark."""
    if tap.wait() != 0:
        tap.errors.seek(0)
        raise SystemExit(tap.errors.read())
    tap.errors.close()
    return time.time()
