"""The tap, straight into a file or into a consumer, undisturbed or cut; and the stand-in that it reads."""

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass, field

from failure import Failure

# A run that hangs is a failure, not a reason to wait for ever.
LONGEST = 240


@dataclass
class Tap:
    """How the tap is started: its program, where it reads, and what it is told besides."""

    program: str
    arguments: list
    settings: dict = field(default_factory=dict)

    def told(self, *arguments, **settings):
        """The same tap with more arguments and settings."""
        return Tap(self.program, [*self.arguments, *arguments], {**self.settings, **settings})

    def start(self, state, log):
        """Starts it from a state; its messages can be read from the process."""
        arguments = [self.program, *self.arguments, *(["--state", state] if state else [])]
        settings = {f"TAP_INCIDENT_{name.upper()}": value for name, value in self.settings.items()}
        # Nothing that the caller has set for a tap of its own.
        known = {name: value for name, value in os.environ.items() if "INCIDENT_" not in name}
        return subprocess.Popen(arguments, env={**known, **settings}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=log)

    def straight(self, path, state=None):
        """Writes the messages of an undisturbed run into a file."""
        with open(f"{path}.log", "w") as log, open(path, "wb") as messages:
            process = self.start(state, log)
            with watched(process):
                for line in process.stdout:
                    messages.write(line)
        if process.wait():
            raise Failure(f"the tap ended with {process.returncode}: {tail(f'{path}.log', 1)}")
        return path


@dataclass
class Cut:
    """After how many bytes a run is cut, and how: SIGKILL or SIGTERM."""

    after: int
    by: int
    # Whether a kill comes in the middle of a line.
    tears: bool = False
    # Whether the tap never waits for the consumer, which gets all at the end: its last state is then taken.
    is_drained: bool = False


@dataclass
class Ended:
    """How a run into a consumer ended: whether it was cut, both exit codes, the state that was printed last."""

    was_cut: bool
    tap: int
    consumer: int
    state: str | None


def feed(tap, command, folder, state=None, cut=None):
    """Pipes the tap into a consumer in this folder, where messages, states and logs stay."""
    with contextlib.ExitStack() as files:
        def opened(name, mode):
            return files.enter_context(open(f"{folder}/{name}", mode))
        source = tap.start(state, opened("tap.log", "w"))
        sink = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE,
                                stdout=opened("states", "w"), stderr=opened("consumer.log", "w"))
        with watched(source, sink):
            was_cut = _pump(source, sink, opened("messages.jsonl", "wb"), cut)
            code = source.wait()
            with contextlib.suppress(BrokenPipeError):
                sink.stdin.close()
            loaded = sink.wait()
    printed = [line for line in open(f"{folder}/states").read().splitlines() if line.startswith("{")]
    return Ended(was_cut, code, loaded, printed[-1] if printed else None)


def _pump(source, sink, copy, cut):
    """Passes lines on until the tap has ended, or as many as the cut lets pass; says whether it was cut."""
    read, was_cut, held = 0, False, []
    for line in source.stdout:
        if cut and not was_cut and read + len(line) > cut.after:
            was_cut = True
            source.send_signal(cut.by)
            if cut.by == signal.SIGKILL:
                if cut.tears:
                    _pass(line[:cut.after - read], sink, copy)
                return was_cut
        read += len(line)
        if cut and cut.is_drained:
            held.append(line)
        else:
            _pass(line, sink, copy)
    for line in held:
        _pass(line, sink, copy)
    return was_cut


def _pass(line, sink, copy):
    copy.write(line)
    # What became of a consumer that has gone is told by its exit code.
    with contextlib.suppress(BrokenPipeError):
        sink.stdin.write(line)


@contextlib.contextmanager
def watched(*processes):
    """Ends these processes when they take too long, and when something else fails."""
    def end():
        for process in processes:
            process.kill()
    timer = threading.Timer(LONGEST, end)
    timer.start()
    try:
        yield
    except BaseException:
        end()
        raise
    finally:
        timer.cancel()


def tail(path, lines):
    """The last lines of a log, each cut to a length."""
    return "\n".join(line[:300] for line in open(path, errors="replace").read().strip().splitlines()[-lines:])


@contextlib.contextmanager
def stand_in(program, *arguments):
    """Serves a sample workspace as long as the block runs; its value is the address."""
    process = subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise Failure(f"the stand-in did not start: {arguments}")
        yield url
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
