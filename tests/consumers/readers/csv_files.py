"""Files of target-csv: a file for each stream, written anew by each run."""

import ast
import csv
import os
import re

from readers.base import Reader
from values import plain


class CsvFiles(Reader):
    """All is text: nothing is null, and what has members is written as Python writes it."""

    appends = True

    def rows(self, place, streams):
        """The rows of each file, those of earlier runs first."""
        csv.field_size_limit(1 << 30)
        found = {name: [] for name in streams}
        for run in place.runs:
            for name in streams:
                if os.path.exists(path := f"{run}/{name}.csv"):
                    with open(path, newline="") as lines:
                        found[name] += csv.DictReader(lines)
        return found

    def loaded(self, kind, value):
        """A value of this kind from its text."""
        if value in (None, ""):
            return None
        if kind in ("boolean", "object", "array"):
            # The SDK reads numbers with a point as decimals.
            return ast.literal_eval(re.sub(r"\bDecimal\('([^']+)'\)", r"\1", value))
        return int(value) if kind == "integer" else plain(kind, value)

    def sent(self, kind, value):
        """An empty text and null are the same here."""
        return None if value == "" else plain(kind, value)


READER = CsvFiles()
