"""Feeds every consumer in `.ci/consumers.toml` and compares what it has loaded with what was sent.

`python3 tests/consumers TAP STAND-IN`: see `--help`, and docs/consumers.md for what is shown.
"""

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import catalogs
import consumer
import histories
import postgres
import report
from around import MONTHS, STAND_INS, Around
from failure import Failure
from programs import stand_in

ROOT = os.path.join(consumer.HERE, "../..")
DOCUMENT = os.path.join(ROOT, "docs/consumers.md")
# More at a time than there are processors would only make each slower.
SIDE_BY_SIDE = 2


@dataclass
class Done:
    """What a consumer has gone through: what was wrong with each history, or nothing."""

    consumer: consumer.Consumer
    version: str | None = None
    wrong: dict = field(default_factory=dict)

    @property
    def is_well(self):
        """Whether it went through all of them, and none was wrong."""
        return list(self.wrong) == self.consumer.histories and not any(self.wrong.values())

    @property
    def streams(self):
        """How many streams it has loaded in full."""
        return self.consumer.streams

    @property
    def rows(self):
        """How many rows it has loaded in full."""
        return self.consumer.rows

    def outcome(self, history):
        """What the table says of a history."""
        if history not in self.consumer.histories:
            return "–"
        if self.wrong.get(history, True):
            return "FAILED"
        if history != "deletions" or self.consumer.reader.counts_only:
            return "passed"
        return "removed" if self.consumer.removes else "kept"


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python3 tests/consumers", description=__doc__.splitlines()[0])
    parser.add_argument("tap", help="the program to test")
    parser.add_argument("stand_in", help="the program that serves the sample workspaces")
    parser.add_argument("--update", action="store_true", help="write docs/consumers.md instead of comparing it")
    parser.add_argument("--only", help="a consumer, or several, separated by commas; the document is left alone")
    parser.add_argument("--environments", help="where their virtual environments are made, to be used later")
    parser.add_argument("--work", help="where all else goes, to be looked at; without it, it is removed")
    parser.add_argument("--seed", type=int, default=20, help="which moments the tap is killed at")
    return parser.parse_args()


def main():
    """Runs all consumers, and says whether all is well."""
    said = arguments()
    consumers = consumer.table(os.path.join(ROOT, ".ci/consumers.toml"))
    if said.only:
        named = said.only.split(",")
        consumers = [one for one in consumers if one.name in named]
        if len(consumers) < len(named):
            sys.exit(f"--only {said.only}: the table has no such consumer")
    with contextlib.ExitStack() as ends:
        work = said.work or ends.enter_context(tempfile.TemporaryDirectory())
        # PostgreSQL runs as somebody else.
        os.makedirs(work, exist_ok=True)
        os.chmod(work, 0o755)
        work = os.path.realpath(work)
        around = Around(
            program=os.path.realpath(said.tap), stand_in=os.path.realpath(said.stand_in), work=work,
            environments=os.path.realpath(said.environments or f"{work}/environments"),
            server=ends.enter_context(postgres.server(f"{work}/postgres")),
            urls={name: ends.enter_context(stand_in(said.stand_in, *options, "--months", MONTHS, "--page-cap", 6))
                  for name, options in STAND_INS.items()},
            old_catalog=f"{work}/old-catalog.json",
            left_out=catalogs.written(os.path.realpath(said.tap), f"{work}/old-catalog.json"),
            chance=random.Random(said.seed))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            all_done = list(threads.map(lambda one: through(one, around), consumers))
    print("\n".join(["", *report.columns(all_done)]))
    is_well = all(done.is_well for done in all_done)
    if not said.only:
        is_well &= document(report.document(all_done), said.update and is_well)
    sys.exit(0 if is_well else 1)


def through(one, around):
    """Takes a consumer through its environment and its histories; what is wrong is told, and the next one tried."""
    done = Done(one)
    began = time.monotonic()
    try:
        done.version = one.install(around.environments)
        say(one, f"{done.version} is installed", began)
    except Failure as failure:
        say(one, f"FAILED: {failure}", began)
        return done
    for name in one.histories:
        began = time.monotonic()
        try:
            seen, done.wrong[name] = histories.run(name, one, around), None
            say(one, f"{name}: {seen}", began)
        except Exception as failure:
            done.wrong[name] = str(failure) if isinstance(failure, Failure) else traceback.format_exc()
            say(one, f"{name} FAILED: {done.wrong[name]}", began)
    return done


def say(one, text, began):
    """Prints a line of what a consumer goes through."""
    print(f"{one.name}: {text} ({time.monotonic() - began:.0f} s)", flush=True)


def document(text, is_update):
    """Writes the document, or says whether it is what a run has shown."""
    if is_update:
        os.makedirs(os.path.dirname(DOCUMENT), exist_ok=True)
        with open(DOCUMENT, "w") as file:
            file.write(text)
        return True
    if os.path.exists(DOCUMENT) and open(DOCUMENT).read() == text:
        return True
    print("docs/consumers.md is not what this run has shown: run it with --update, and look at what changes")
    return False


main()
