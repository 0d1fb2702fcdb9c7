"""Loads the files of target-jsonl into tables of DuckDB, and prints the rows of these, a JSON text a line.

The arguments are the folders of its runs, oldest first; standard input says what the key of each stream is.
"""

import json
import os
import sys

import duckdb

database = duckdb.connect("loaded.duckdb")
database.execute("set timezone = 'UTC'")
for name, key in json.load(sys.stdin).items():
    paths = [path for run in sys.argv[1:] if os.path.exists(path := f"{run}/{name}.jsonl")]
    columns = ", ".join(f'"{column}"' for column in key)
    # Of each key the row that was written last.
    database.execute(f"""
        create or replace table "{name}" as
        select * exclude (filename, place) from (
            select *, row_number() over () as place
            from read_json(?, format = 'newline_delimited', union_by_name = true, filename = true,
                           sample_size = -1, maximum_depth = 1, maximum_object_size = 67108864)
        ) qualify row_number() over (partition by {columns} order by list_position(?, filename) desc, place desc) = 1
    """, [paths, paths])
    for row, in database.execute(f'select to_json(t) from "{name}" t').fetchall():
        print(json.dumps([name, json.loads(row)]))
