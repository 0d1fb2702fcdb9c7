"""Tables that DuckDB makes of the files of target-jsonl; its package is in the consumer's environment."""

import json
import subprocess

from failure import Failure
from readers.base import Reader
from values import plain


class DuckdbTables(Reader):
    """Of a key that came again, the table has the newest row."""

    def rows(self, place, streams):
        """Loads the files of all runs into tables, and reads these."""
        keys = {name: stream.key_properties for name, stream in streams.items() if stream.count}
        done = subprocess.run([f"{place.programs}/python", f"{place.here}/duckdb_load.py", *place.runs],
                              input=json.dumps(keys), capture_output=True, text=True, cwd=place.folder)
        if done.returncode:
            raise Failure(done.stderr[-800:])
        found = {name: [] for name in streams}
        for line in done.stdout.removesuffix("\n").split("\n"):
            if line:
                name, row = json.loads(line)
                found[name].append(row)
        return found

    def loaded(self, kind, value):
        """An object has a null for each member that another row's has."""
        return bare(plain(kind, value))

    def sent(self, kind, value):
        """The same for what was sent."""
        return bare(plain(kind, value))


def bare(value):
    """A value without members that are null."""
    if isinstance(value, dict):
        return {name: bare(member) for name, member in value.items() if member is not None}
    return [bare(item) for item in value] if isinstance(value, list) else value


READER = DuckdbTables()
