"""What all histories share: the programs, the folders, the server, the stand-ins, and what the tap sent."""

import json
import threading
from dataclasses import dataclass, field

import checks
from failure import Failure
from messages import Messages
from programs import Tap

# How many months of history the sample workspace of `--demo` has, and that of the stand-ins that are cut.
DEMO_MONTHS, MONTHS = 13, 3
# What is read while runs are cut: incremental streams, lists with parents, and long ones.
CUT_STREAMS = "users,custom_field*,postmortem*,incidents,incident_updates,actions,follow_ups,alerts"
# The stand-ins that serve all histories that are cut. The slow one makes the tap wait for it and not for the
# consumer.
STAND_INS = {"incident_io": ["--source", "incident_io"], "signalfx": ["--source", "signalfx"],
             "actian": ["--source", "actian"], "slow": ["--source", "incident_io", "--latency-ms", 15]}


@dataclass
class Around:
    """The programs and places of one run of the checks."""

    program: str
    stand_in: str
    work: str
    environments: str
    server: object
    # The addresses of the stand-ins.
    urls: dict
    # A catalog of another release, and which fields it lacks, by stream.
    old_catalog: str
    left_out: dict
    chance: object
    _sent: dict = field(default_factory=dict)
    _lock: object = field(default_factory=threading.Lock)

    def demo(self, source="incident_io"):
        """The tap with its built-in sample data."""
        return Tap(self.program, ["--demo", "--source", source])

    def served(self, url, source="incident_io"):
        """The tap with a stand-in."""
        return Tap(self.program, [], {"source": source, "endpoint": url, "api_key": "demo-key", "concurrency": "8",
                                      "tenant": "harbour works/7"})

    def sent(self, tap, months=None):
        """What this tap sends when nothing disturbs it, straight into a file; that it is what the workspace has."""
        with self._lock:
            if repr(tap) not in self._sent:
                sent = Messages(tap.straight(f"{self.work}/sent-{len(self._sent)}.jsonl"))
                if months and not checks.of_workspace(sent, months):
                    raise Failure("nothing that was sent can be compared with the workspace")
                self._sent[repr(tap)] = sent
            return self._sent[repr(tap)]


def bookmarks(state):
    """The bookmarks in the text of a state."""
    return json.loads(state)["bookmarks"]
