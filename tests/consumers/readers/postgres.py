"""Tables in PostgreSQL, read by psql as JSON."""

import json
import subprocess

from failure import Failure, first
from readers.base import Reader, snake

# Times in milliseconds, and keys that are numbers, do not fit into 32 bits.
WIDE = {"bigint", "numeric"}
COLUMNS = {"string": {"character varying", "text"}, "integer": WIDE, "number": {"double precision", "numeric"},
           "boolean": {"boolean"}, "object": {"jsonb"}, "array": {"jsonb", "ARRAY"},
           "date-time": {"timestamp without time zone", "timestamp with time zone"}}


def query(place, text):
    """What a query prints: a row a line."""
    done = subprocess.run([*place.psql, "-c", text], capture_output=True, text=True)
    if done.returncode:
        raise Failure(done.stderr)
    # No other line breaks: rows may hold those of other kinds.
    return done.stdout.removesuffix("\n").split("\n") if done.stdout else []


class Postgres(Reader):
    """A table for each stream, in the schema of the history."""

    def rows(self, place, streams):
        """The rows of each table, whose columns can hold what the stream may hold."""
        first(self._narrow(place, streams))
        found = {}
        for name in streams:
            text = "\n".join(query(place, f'select coalesce(json_agg(t), \'[]\') from {place.schema}."{name}" t'))
            found[name] = [{snake(column): value for column, value in row.items()} for row in json.loads(text)]
        return found

    def cell(self, row, name):
        """The value of a column: both targets write names in their own way."""
        return row.get(snake(name))

    def _narrow(self, place, streams):
        types = {}
        for line in query(place, "select table_name, column_name, data_type from information_schema.columns "
                                 f"where table_schema = '{place.schema}'"):
            table, column, kind = line.split("|")
            types[table, snake(column)] = kind
        for name, stream in streams.items():
            for column, kind in stream.kinds.items():
                if types.get((name, snake(column))) not in COLUMNS[kind]:
                    yield f"{name}.{column}: a column for {kind} is {types.get((name, snake(column)))}"


READER = Postgres()
