"""What readers have in common."""

import re
from dataclasses import dataclass

from values import plain


@dataclass
class Place:
    """Where a history of a consumer has loaded its rows."""

    # The folders of its runs, oldest first.
    runs: list
    folder: str
    # The schema of the database, where there is one.
    schema: str
    # What starts a query, where there is a server.
    psql: list
    # The folder with the programs of the environment.
    programs: str
    # The folder of the driver.
    here: str


class Reader:
    """Reads rows back, and knows what the consumer makes of a value."""

    # Whether a key that comes again is a row more.
    appends = False
    # Whether there are no rows, but numbers of them.
    counts_only = False

    def rows(self, place, streams):
        """The rows of each stream, in the order in which they were loaded."""
        raise NotImplementedError

    def cell(self, row, name):
        """The value of a column; databases write its name in their own way."""
        return row.get(name)

    def loaded(self, kind, value):
        """A value as it lies in the target, in the form that is compared."""
        return plain(kind, value)

    def sent(self, kind, value):
        """A value that was sent, as this target should hold it."""
        return plain(kind, value)


def snake(name):
    """`isActive` and `isactive` alike: the letters of a name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
