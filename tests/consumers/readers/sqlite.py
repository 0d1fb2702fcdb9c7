"""Tables of the SDK's target for SQLite."""

import json
import sqlite3

from readers.base import Reader
from values import plain


class Sqlite(Reader):
    """What has members is text, booleans are numbers."""

    def rows(self, place, streams):
        """The rows of each table."""
        database = sqlite3.connect(f"file:{place.folder}/loaded.sqlite?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        known = {name for name, in database.execute("select name from sqlite_master where type = 'table'")}
        return {name: [dict(row) for row in database.execute(f'select * from "{name}"')]
                for name in known & set(streams)}

    def loaded(self, kind, value):
        """A value of this kind from what SQLite has for it."""
        if value is None:
            return None
        if kind in ("object", "array"):
            return json.loads(value)
        return bool(value) if kind == "boolean" else plain(kind, value)


READER = Sqlite()
