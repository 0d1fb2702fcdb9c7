"""Whether the rows in a target are those that were sent, and those that were sent are those of the workspace."""

import workspace
from failure import Failure, first
from values import plain

# Columns that tell when a row was read, which is another moment in each run.
OF_THE_READING = {"read_at"}


def whole(sent, reader, place):
    """Fails unless the target holds a row for each key that was sent, with the values that were sent."""
    if reader.counts_only:
        first(_counts(sent, reader.counts(place)))
        return
    loaded = reader.rows(place, sent.streams)
    for name, stream in sent.streams.items():
        rows = loaded.get(name, [])
        if reader.appends and len(place.runs) == 1 and len(rows) != stream.count:
            raise Failure(f"{name}: {len(rows)} rows of {stream.count} records")
        first(_stream(name, stream, reader, rows))


def keys(reader, place, streams):
    """The keys of the rows that the target holds, by stream."""
    loaded = reader.rows(place, streams)
    return {name: set(_by_key(stream, reader, loaded.get(name, []))) for name, stream in streams.items()}


def sent_keys(stream, reader):
    """The keys that were sent of a stream, as this target should hold them."""
    return set(_wanted(stream, reader))


def _wanted(stream, reader):
    kinds = stream.kinds
    return {tuple(reader.sent(kinds[part], record[part]) for part in stream.key_properties): record
            for record in stream.records.values()}


def _counts(sent, counted):
    for name, stream in sent.streams.items():
        if stream.count != counted.get(name, 0):
            yield f"{name}: {counted.get(name, 0)} of {stream.count} records were seen"


def _by_key(stream, reader, rows):
    kinds = stream.kinds
    # Of a target that appends, the last row of a key counts.
    return {tuple(reader.loaded(kinds[name], reader.cell(row, name)) for name in stream.key_properties): row
            for row in rows}


def _stream(name, stream, reader, rows):
    by_key, wanted, kinds = _by_key(stream, reader, rows), _wanted(stream, reader), stream.kinds
    if not reader.appends and len(rows) != len(by_key):
        yield f"{name}: {len(rows)} rows for {len(by_key)} keys"
    for key in wanted.keys() - by_key.keys():
        yield f"{name}: {key} was sent and is not there"
    for key in by_key.keys() - wanted.keys():
        yield f"{name}: {key} is there and was not sent"
    for key in wanted.keys() & by_key.keys():
        for column, column_kind in kinds.items():
            want = reader.sent(column_kind, wanted[key].get(column))
            got = reader.loaded(column_kind, reader.cell(by_key[key], column))
            if want != got and not (column in OF_THE_READING and want and got):
                yield f"{name}.{column} of {key}: {want!r:.200} became {got!r:.200}"


def of_workspace(sent, months):
    """Fails unless what the tap sent is what the files of the workspace hold; says how many rows were compared."""
    count, problems = 0, []
    for name, rows in workspace.rows(months).items():
        stream = sent.streams.get(name)
        # A list whose rows get their parent's key has more in its key than its file.
        if stream is None or not all(part in row for row in rows for part in stream.key_properties):
            continue
        held = {stream.key(row): row for row in rows}
        problems += [f"{name}: {key} is not in the workspace" for key in stream.records.keys() - held.keys()]
        if name not in workspace.HIDDEN:
            problems += [f"{name}: {key} was not sent" for key in held.keys() - stream.records.keys()]
        for key in held.keys() & stream.records.keys():
            count += 1
            problems += _times(name, stream, stream.records[key], held[key])
    first(problems)
    return count


def _times(name, stream, record, row):
    for column, kind in stream.kinds.items():
        if kind == "date-time" and column in row and plain(kind, record[column]) != plain(kind, row[column]):
            yield f"{name}.{column}: {row[column]} was sent as {record[column]}"
