"""The rows of the sample workspace, read from the files of the stand-in and not through the tap."""

import copy
import glob
import json
import os
from datetime import datetime, timedelta

WORKSPACE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../stand-in/workspace")
# The history of a file is one month, repeated: its ids tell the month, its times are moved.
TEMPLATE, PREFIX = "01K000", "01K"
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = timedelta(days=28)
# Rows that the API shows to nobody, or only under an incident that it shows to nobody: private incidents
# and what belongs to them, what was deleted, and what is not finished.
HIDDEN = {"alert_tags", "call_sessions", "incident_attachments", "incidents", "pay_reports", "workflow_runs"}


def rows(months):
    """The rows of each list that has a file of its own, by stream."""
    found = {}
    for path in glob.glob(f"{WORKSPACE}/*.json"):
        version, *place = os.path.basename(path).removesuffix(".json").split(".")
        stored = json.load(open(path))
        # Others are asked for under a parent, whose key their rows get.
        if len(place) == 1 and "rows" in stored:
            found[place[0]] = list(_repeated(stored, months))
    return found


def _repeated(stored, months):
    if not stored.get("history"):
        return stored["rows"]
    return [_in_month(row, number, months - 1 - number) for number in range(months) for row in stored["rows"]]


def _in_month(value, number, age):
    """A value of the template as it reads in this month."""
    if isinstance(value, dict):
        return {name: _in_month(member, number, age) for name, member in value.items()}
    if isinstance(value, list):
        return [_in_month(item, number, age) for item in value]
    if not isinstance(value, str):
        return copy.copy(value)
    if value.endswith("Z") and len(value) >= 20 and value[10] == "T":
        return _moved(value, age)
    code = DIGITS[number // 1024] + DIGITS[number // 32 % 32] + DIGITS[number % 32]
    return value.replace(TEMPLATE, PREFIX + code)


def _moved(moment, age):
    """A moment so many months earlier; its fraction stays, and so does a text that only looks like one."""
    try:
        whole = datetime.fromisoformat(moment[:19])
    except ValueError:
        return moment
    return (whole - age * LENGTH).isoformat() + moment[19:]
