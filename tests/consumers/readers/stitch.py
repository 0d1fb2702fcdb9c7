"""What target-stitch would have sent to Stitch: a batch a line, taken as Stitch documents it."""

import json

from readers.base import Reader


class Stitch(Reader):
    """A batch has rows of one version; a version that becomes the active one removes all others."""

    def rows(self, place, streams):
        """What would be in each table in the end."""
        tables = {name: {} for name in streams}
        for run in place.runs:
            for line in open(f"{run}/batches"):
                self._take(json.loads(line), tables)
        return {name: [row for _, row in table.values()] for name, table in tables.items()}

    def _take(self, batch, tables):
        table, version = tables.setdefault(batch["table_name"], {}), batch.get("table_version")
        for message in batch["messages"]:
            if message["action"] == "upsert":
                row = message["data"]
                table[tuple(row[name] for name in batch["key_names"])] = (version, row)
            elif message["action"] == "activate_version":
                for key in [key for key, (other, _) in table.items() if other != version]:
                    del table[key]


READER = Stitch()
