"""What a tap wrote: streams with their schemas and keys, the records of each key, and the states."""

import json
from dataclasses import dataclass, field

from failure import Failure
from values import kind, plain


@dataclass
class Stream:
    """A stream that was announced, and what came of it."""

    key_properties: list
    properties: dict
    records: dict = field(default_factory=dict)
    count: int = 0
    # Of the records: the version of the last, and whether all had one.
    version: int | None = None
    is_versioned: bool = True
    is_activated: bool = False

    @property
    def kinds(self):
        """What each column holds."""
        return {name: kind(schema) for name, schema in self.properties.items()}

    def key(self, record):
        """The key of a record, with its parts as they are compared."""
        kinds = self.kinds
        return tuple(plain(kinds[name], record[name]) for name in self.key_properties)


class Messages:
    """The messages of one run. Of a key that came again, the last record counts."""

    def __init__(self, path):
        self.path, self.streams, self.states = path, {}, []
        with open(path, "rb") as lines:
            for line in lines:
                # The last line of a run that was killed may be cut.
                if line.endswith(b"\n"):
                    self._take(json.loads(line))

    def _take(self, message):
        if message["type"] == "STATE":
            self.states.append(message["value"])
            return
        name = message["stream"]
        if message["type"] == "SCHEMA":
            self.streams[name] = Stream(message["key_properties"], message["schema"]["properties"])
        elif message["type"] == "RECORD":
            stream = self.streams[name]
            # A run that dies between the two would leave the table empty.
            if stream.is_activated:
                raise Failure(f"{name}: a record after ACTIVATE_VERSION")
            stream.count += 1
            stream.records[stream.key(message["record"])] = message["record"]
            stream.version = message.get("version")
            stream.is_versioned &= stream.version is not None
        elif message["type"] == "ACTIVATE_VERSION":
            stream = self.streams[name]
            if stream.count and message["version"] != stream.version:
                raise Failure(f"{name}: ACTIVATE_VERSION {message['version']} after {stream.version}")
            stream.is_activated = True

    @property
    def count(self):
        """How many records came."""
        return sum(stream.count for stream in self.streams.values())
