"""The table of what each consumer has shown: printed, and checked in as a document."""

from histories import HISTORIES

HEAD = """# Consumers

What takes the tap's messages in CI, and what it has shown. The table is derived:
`python3 tests/consumers TAP STAND-IN --update` writes it, and CI fails where it differs from a run.

A row of the sample workspace counts as loaded when it was read back from the target with its key, its
timestamps as instants, and all its other values; the rows that the tap sends are compared with the files of
the workspace, too. Each consumer has a virtual environment of its own.

"""

MIDDLE = """
- **all**: all streams of each source's sample workspace.
- **incremental**: then a run with the state that the consumer printed. No incident from before the bookmark comes
  again, no row and no bookmark is lost.
- **killed**: the tap is killed while the consumer loads, more than once, and goes on from the last state that the
  consumer printed; in the end all rows are there.
- **deletions**: with `emit_activate_version_messages`, and a workspace that has lost rows. Where the target knows
  ACTIVATE_VERSION, they are removed from the streams that are read in full; elsewhere they stay, and nothing breaks.
- **old catalog**: a catalog of another release, with fewer streams and fields and narrower types.
- **SIGTERM**: the tap ends with 143 in the middle, the consumer ends well, and the next run brings the rest.

## What each needs

"""

END = """
## Not like this

- **target-duckdb 0.8.0**, as PyPI has it, loses the first row of each batch with duckdb 1.3 and later, and says
  nothing. With duckdb 1.2.2, 7 of the 77 streams of incident.io were still a row short. Load DuckDB from the files
  of target-jsonl, as above.
- **target-sqlite 0.2.0** does not start on Python 3.11, and **target-parquet 0.0.1** cannot be installed there.
"""


def columns(consumers):
    """The table as lines of Markdown; `consumers` have gone through their histories."""
    names = list(HISTORIES)
    head = ["consumer", "version", "sources", "streams", "rows", *names, "result"]
    yield _line(head)
    yield _line(["---"] * 3 + ["--:"] * 2 + ["---"] * (len(names) + 1))
    for done in sorted(consumers, key=lambda done: done.consumer.name.lower()):
        consumer = done.consumer
        yield _line([consumer.name, done.version or "–",
                     ", ".join(consumer.sources), f"{done.streams:,}", f"{done.rows:,}",
                     *(done.outcome(name) for name in names), "passed" if done.is_well else "FAILED"])


def document(consumers):
    """The whole document."""
    needs = [f"- **{done.consumer.name}** (`{' '.join(done.consumer.needs)}`): {done.consumer.note}\n"
             for done in sorted(consumers, key=lambda done: done.consumer.name.lower())]
    return HEAD + "".join(f"{line}\n" for line in columns(consumers)) + MIDDLE + "".join(needs) + END


def _line(cells):
    return f"| {' | '.join(cells)} |"
