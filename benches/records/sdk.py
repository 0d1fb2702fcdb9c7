"""Writes the records of a page as a tap made with the Meltano SDK does: each is decoded, pruned and
conformed to the schema, mapped and encoded again. Arguments: stream, keys, how many times. On stdin:
the schema on a line, then the page. Prints the seconds of CPU time and wall time on stderr."""

import decimal
import json
import logging
import sys
import time

from singer_sdk import Stream, Tap

logging.disable(logging.CRITICAL)
name, keys, count = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
page_schema = json.loads(sys.stdin.readline())
body = sys.stdin.read()


class Page(Stream):
    def get_records(self, context):
        return []


class PageTap(Tap):
    name = "tap-page"
    config_jsonschema = {"type": "object", "properties": {}}

    def discover_streams(self):
        stream = Page(tap=self, name=name, schema=page_schema)
        stream.primary_keys = keys
        return [stream]


stream = PageTap(config={}).streams[name]
started = time.process_time(), time.perf_counter()
for _ in range(count):
    for record in json.loads(body, parse_float=decimal.Decimal)[name]:
        stream._write_record_message(record)
sys.stdout.flush()
print(time.process_time() - started[0], time.perf_counter() - started[1], file=sys.stderr)
