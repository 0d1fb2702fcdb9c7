"""Makes a table in DuckDB of each stream that target-jsonl has written: of each key the row that came last.

    into_duckdb.py CATALOG FOLDER DATABASE

Not by target-duckdb 0.8.0, which loses the first row of each batch with a current DuckDB.
"""

import json
import sys
from pathlib import Path

import duckdb

catalog, folder, database = sys.argv[1:]
with open(catalog) as file:
    streams = json.load(file)["streams"]
with duckdb.connect(database) as connection:
    for stream in streams:
        name = stream["stream"]
        files = [str(path) for path in sorted(Path(folder).glob(f"{name}-*.jsonl"))]
        if not files:
            continue
        keys = ", ".join(f'"{key}"' for key in stream["key_properties"])
        # The names of the files hold the time of the run.
        connection.execute(
            f'create or replace table "{name}" as select * exclude (filename) from read_json(?, '
            "format = 'newline_delimited', sample_size = -1, union_by_name = true, filename = true, "
            "maximum_object_size = 67108864) "
            f"qualify row_number() over (partition by {keys} order by filename desc) = 1",
            [files],
        )
        [[count]] = connection.sql(f'select count(*) from "{name}"').fetchall()
        print(f"{name}: {count}")
