"""Files of target-jsonl: a file for each stream, a row a line."""

import json
import os

from readers.base import Reader


class JsonLines(Reader):
    """Rows are appended; each run has a folder of its own here."""

    appends = True

    def rows(self, place, streams):
        """The lines of each file, those of earlier runs first."""
        paths = {name: [f"{run}/{name}.jsonl" for run in place.runs] for name in streams}
        return {name: [json.loads(line) for path in some if os.path.exists(path) for line in open(path)]
                for name, some in paths.items()}


READER = JsonLines()
