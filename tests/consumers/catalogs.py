"""Catalogs of other releases, as a runner that keeps them hands them to the tap."""

import json
import os
import subprocess

PUBLISHED = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../suite/catalogs/published.json")
# How many streams of this release are made narrower, and how many of the fields of each are left out.
NARROWED, FIELDS_LESS = 12, 2


def written(program, path):
    """Writes an old catalog: a published one, and streams of this release with fewer fields and narrower types.

    What it leaves out is returned by stream.
    """
    old = json.load(open(PUBLISHED))["streams"]
    known = {entry["tap_stream_id"] for entry in old}
    printed = subprocess.run([program, "--discover"], check=True, capture_output=True, text=True).stdout
    others = [entry for entry in json.loads(printed)["streams"] if entry["tap_stream_id"] not in known]
    left_out = {entry["tap_stream_id"]: [] for entry in old}
    for entry in others[:NARROWED]:
        left_out[entry["tap_stream_id"]] = _narrow(entry)
        old.append(entry)
    with open(path, "w") as catalog:
        json.dump({"streams": old}, catalog)
    return left_out


def _narrow(entry):
    """Makes an entry of the catalog narrower than the data, and says which fields it has not any more."""
    properties = entry["schema"]["properties"]
    # One besides the key stays.
    gone = [name for name in properties if name not in entry["key_properties"]][1:][-FIELDS_LESS:]
    for name in gone:
        del properties[name]
    entry["metadata"] = [part for part in entry["metadata"]
                         if not (part["breadcrumb"] and part["breadcrumb"][1] in gone)]
    for schema in properties.values():
        schema["type"] = [name for name in schema["type"] if name != "null"][:1]
        if schema["type"] == ["string"] and "format" not in schema:
            schema["maxLength"] = 3
    entry["schema"].update(required=list(properties), additionalProperties=False)
    return gone


def problems(sent, left_out, not_read):
    """What is wrong with streams that were read by it."""
    wanted = left_out.keys() - set(not_read)
    if sent.streams.keys() != wanted:
        yield f"streams that are read, or are not, against the catalog: {sent.streams.keys() ^ wanted}"
    for name in sent.streams.keys() & wanted:
        properties = sent.streams[name].properties
        yield from (f"{name}.{field} is not in the catalog" for field in left_out[name] if field in properties)
        if not any(field not in sent.streams[name].key_properties for field in properties):
            yield f"{name}: nothing but its key is read"
