"""A consumer: its row in the table of CI, its environment, and its runs."""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field

import readers
from failure import Failure
from programs import feed, tail
from readers.base import Place

HERE = os.path.dirname(os.path.realpath(__file__))


@dataclass
class Consumer:
    """A row of the table; what each column means is told there."""

    name: str
    needs: list
    command: str
    read: str
    histories: list
    removes: bool
    note: str
    config: dict = field(default_factory=dict)
    sources: tuple = ("incident_io",)
    leave_out: tuple = ()
    kills: int = 2
    killed: dict = field(default_factory=dict)
    # What it has loaded of all streams; later histories go on from there.
    loaded: list = field(default_factory=list)
    streams: int = 0
    rows: int = 0

    @property
    def short(self):
        """Its name as a folder."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())

    @property
    def reader(self):
        """What reads its rows back."""
        return readers.named(self.read)

    def choose(self, tap, *patterns, known=None):
        """The tap with these streams, or those that it chooses by itself, but for what the consumer cannot take.

        Where only some are known to the catalog, the others must not be named.
        """
        patterns = [*patterns, *(f"!{name}" for name in self.leave_out if known is None or name in known)]
        return tap.told("--select", ",".join(patterns)) if patterns else tap

    def install(self, environments):
        """Makes its virtual environment, and says which version is in it."""
        environment = f"{environments}/{self.short}"
        for command in ([sys.executable, "-m", "venv", environment],
                        [f"{environment}/bin/pip", "install", "--quiet", "--disable-pip-version-check", *self.needs]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Failure(f"cannot be installed: {done.stderr.strip()[-400:]}")
        ask = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
        package = self.needs[0].partition("==")[0]
        return subprocess.run([f"{environment}/bin/python", "-c", ask, package],
                              check=True, capture_output=True, text=True).stdout.strip()


def table(path):
    """All consumers of the table."""
    with open(path, "rb") as text:
        return [Consumer(**row) for row in tomllib.load(text)["consumer"]]


class Loading:
    """Runs into a consumer, one after the other, each with the state that the one before left behind."""

    def __init__(self, consumer, name, around, config=None):
        label = "".join(letter if letter.isalnum() else "_" for letter in name.lower())
        self.consumer, self.reader = consumer, consumer.reader
        self.folder = f"{around.work}/{consumer.short}/{label}"
        self.state, self.states = None, 0
        self.place = Place([], self.folder, f"{consumer.short}_{label}".replace("-", "_"),
                           around.server.psql if around.server else [],
                           f"{around.environments}/{consumer.short}/bin", HERE)
        self._socket = around.server.socket if around.server else ""
        self._config = {**consumer.config, **(config or {})}
        os.makedirs(self.folder)

    def run(self, tap, cut=None):
        """Feeds a run to the consumer; an undisturbed one has to end well on both sides."""
        run = f"{self.folder}/run-{len(self.place.runs) + 1}"
        os.mkdir(run)
        self.place.runs.append(run)
        words = {"run": run, "folder": self.folder, "schema": self.place.schema, "socket": self._socket,
                 "bin": self.place.programs, "here": HERE, "config": f"{run}/config.json"}
        config = {name: value.format(**words) if isinstance(value, str) else value
                  for name, value in self._config.items()}
        json.dump(config, open(words["config"], "w"))
        command = [word.format(**words) for word in self.consumer.command.split()]
        ended = feed(tap, command, run, self._state_file(run), cut)
        if not ended.was_cut and (ended.tap or ended.consumer):
            raise Failure(f"the tap ended with {ended.tap}, the consumer with {ended.consumer}; see {run}:\n"
                          + log(run))
        if ended.state and ended.state != self.state:
            self.state, self.states = ended.state, self.states + 1
        return ended

    def _state_file(self, run):
        if self.state is None:
            return None
        with open(f"{run}/state.json", "w") as text:
            text.write(self.state)
        return f"{run}/state.json"

    @property
    def messages(self):
        """The file with the messages of the last run."""
        return f"{self.place.runs[-1]}/messages.jsonl"


def log(run):
    """The last lines that the tap and the consumer have logged."""
    return f"{tail(f'{run}/tap.log', 1)}\n{tail(f'{run}/consumer.log', 4)}"
