"""Values as they can be compared, whatever wrote them: by the kind that a schema gives them."""

import re
from datetime import datetime, timezone

MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?\s*(Z|[+-]\d\d(?::?\d\d)?)?$")


def kind(schema):
    """What a property holds: `date-time`, or its type in JSON Schema."""
    if schema.get("format") == "date-time":
        return "date-time"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    return next((name for name in types if name != "null"), "unknown")


def instant(text):
    """A moment in nanoseconds since 1970; UTC where no zone is told. Text that is none stays as it is."""
    match = MOMENT.match(text)
    if not match:
        return text
    day, time, fraction, zone = match.groups()
    zone = "+00:00" if zone in (None, "Z") else zone
    zone = zone if len(zone) > 3 else f"{zone}:00"
    whole = datetime.fromisoformat(f"{day}T{time}{zone}").astimezone(timezone.utc)
    return int(whole.timestamp()) * 10**9 + int((fraction or "").ljust(9, "0")[:9])


def plain(kind, value):
    """A value of this kind, as JSON has it, in the one form that is compared."""
    if value is None:
        return None
    if kind == "date-time":
        return instant(value)
    if kind == "number":
        return float(value)
    return value
