"""What each consumer goes through. A history says in a few words what it has seen, or raises `Failure`."""

import json
import os
import signal

import catalogs
import checks
from around import CUT_STREAMS, DEMO_MONTHS, MONTHS, bookmarks
from consumer import Loading, log
from failure import Failure, first
from messages import Messages
from programs import Cut, stand_in
from values import instant


# With fewer rows a run that is killed proves little.
LEAST_ROWS = {"incident_io": 500, "signalfx": 200, "actian": 60}


def run(name, consumer, around):
    """The history with this name, from its beginning."""
    return HISTORIES[name](consumer, around)


def everything(consumer, around):
    """All streams of each sample workspace, and the same again with the state that the consumer printed."""
    seen = []
    for source in consumer.sources:
        tap = consumer.choose(around.demo(source), "*")
        sent = around.sent(tap, DEMO_MONTHS if source == "incident_io" else None)
        loading = Loading(consumer, f"all {source}", around)
        loading.run(tap)
        checks.whole(sent, loading.reader, loading.place)
        seen.append((source, loading, sent, tap))
    return seen


def all_streams(consumer, around):
    """A row for each key that was sent, every value as it was sent, from all streams."""
    seen = everything(consumer, around)
    wide = [value for _, _, sent, _ in seen for stream in sent.streams.values()
            for record in stream.records.values() for value in record.values() if type(value) is int]
    # Samples that would fit into 32 bits prove nothing.
    if max(wide) < 1 << 31:
        raise Failure("no integer is large")
    consumer.loaded = seen
    consumer.streams = sum(len(sent.streams) for _, _, sent, _ in seen)
    consumer.rows = sum(len(stream.records) for _, _, sent, _ in seen for stream in sent.streams.values())
    return f"{consumer.rows} rows of {consumer.streams} streams"


def incremental(consumer, around):
    """After that, a run with the state that the consumer printed: nothing old comes, and nothing is lost."""
    if not consumer.loaded:
        raise Failure("all streams were not loaded before")
    told = []
    for source, loading, sent, tap in consumer.loaded:
        before = loading.state
        if consumer.reader.counts_only:
            # It prints a summary instead of a state.
            before = loading.state = json.dumps(sent.states[-1])
        if before is None:
            raise Failure(f"{source}: no state was printed")
        # Of incident.io those that the tap chooses: the others have nothing that a state makes shorter.
        loading.run(consumer.choose(around.demo()) if source == "incident_io" else tap)
        again = Messages(loading.messages)
        first(_again(source, before, sent, again))
        if not consumer.reader.counts_only:
            checks.whole(sent, loading.reader, loading.place)
            first(_lost(source, before, loading.state))
        else:
            checks.whole(again, loading.reader, loading.place)
        told.append(f"{again.count} records of {source} again")
    return ", ".join(told)


def _again(source, before, sent, again):
    """What is wrong with the messages of a run that followed another."""
    if source != "incident_io":
        # There are full tables only: the same keys, each once.
        for name, stream in sent.streams.items():
            if stream.records.keys() != again.streams[name].records.keys() or again.streams[name].count != stream.count:
                yield f"{source}: {name} came again with other keys, or with some of them twice"
        yield from (f"{source}: a state without its source" for state in again.states
                    if state.get("source") != source)
        return
    bookmark = bookmarks(before).get("incidents", {}).get("updated_at")
    incidents = again.streams.get("incidents")
    if "incidents" in sent.streams and not bookmark:
        yield "the state has no bookmark of incidents"
    elif incidents:
        yield from (f"incident {record['id']} of {record['updated_at']} came again after {bookmark}"
                    for record in incidents.records.values() if instant(record["updated_at"]) < instant(bookmark))


def _lost(source, before, after):
    """What a state has not any more, or not at all."""
    yield from (f"{source}: {name} has no bookmark any more"
                for name in bookmarks(before).keys() - bookmarks(after).keys())
    if json.loads(after).get("source", "incident_io") != source:
        yield f"{source}: the state that was printed last is of {json.loads(after).get('source')}"


def killed(consumer, around):
    """The tap is killed while the consumer loads, and goes on from the last state that this printed."""
    told = []
    for source in consumer.sources:
        tap = _cut_tap(consumer, around, source)
        sent = around.sent(tap, MONTHS if source == "incident_io" else None)
        total, rows = os.path.getsize(sent.path), sum(len(stream.records) for stream in sent.streams.values())
        if rows < LEAST_ROWS[source]:
            raise Failure(f"{source}: {rows} rows prove little")
        loading = Loading(consumer, f"killed {source}", around, consumer.killed)
        kills = 0
        while kills < consumer.kills:
            # Small sources are cut anywhere, a large one early, so that many runs do not read all of it.
            after = around.chance.randrange(1, total // (3 if source == "incident_io" else 1))
            # Every other time the last line is torn, which is an error for the target.
            kills += loading.run(tap, Cut(after, signal.SIGKILL, tears=kills % 2 == 1)).was_cut
        loading.run(tap)
        checks.whole(sent, loading.reader, loading.place)
        told.append(f"{source}: {kills} kills, {loading.states - 1} new states before the end, "
                    f"all {rows} rows")
    return "; ".join(told)


def _cut_tap(consumer, around, source="incident_io"):
    streams = CUT_STREAMS if source == "incident_io" else "*"
    return consumer.choose(around.served(around.urls[source], source), streams)


def terminated(consumer, around):
    """The tap gets SIGTERM twice: it ends with 143, the consumer ends well, and the next run brings the rest.

    The first time it may be waiting for the consumer, so that its last state has no room; then it is not.
    """
    tap = consumer.choose(around.served(around.urls["slow"]), CUT_STREAMS)
    sent = around.sent(_cut_tap(consumer, around), MONTHS)
    loading, cut_after = Loading(consumer, "SIGTERM", around), os.path.getsize(sent.path) // 4
    for is_drained in (False, True):
        ended = loading.run(tap, Cut(cut_after, signal.SIGTERM, is_drained=is_drained))
        if (ended.was_cut, ended.tap, ended.consumer) != (True, 143, 0):
            raise Failure(f"cut: {ended.was_cut}, the tap ended with {ended.tap} instead of 143, the consumer with "
                          f"{ended.consumer}:\n{log(loading.place.runs[-1])}")
    partly = Messages(loading.messages)
    if not ended.state or json.loads(ended.state) != partly.states[-1]:
        raise Failure("the last state that the tap wrote was not printed")
    loading.run(tap)
    rest = Messages(loading.messages)
    checks.whole(sent, loading.reader, loading.place)
    if not (partly.count < sent.count and rest.count < sent.count):
        raise Failure(f"{partly.count} and {rest.count} of {sent.count} records came, which proves nothing")
    return f"{rest.count} of {sent.count} records came after it"


def deletions(consumer, around):
    """The workspace loses a month: what is gone from full tables is gone from a target that removes rows."""
    loading = Loading(consumer, "deletions", around)
    port, runs = 0, []
    for months in (MONTHS, MONTHS - 1):
        # A state is of one address.
        with stand_in(around.stand_in, "--months", months, "--port", port) as url:
            port = url.rpartition(":")[2]
            loading.run(consumer.choose(around.served(url).told(emit_activate_version_messages="true")))
        runs.append(Messages(loading.messages))
        checks.of_workspace(runs[-1], months)
        first(_versions(runs[-1]))
    before, after = runs
    if consumer.reader.counts_only:
        checks.whole(after, consumer.reader, loading.place)
        return f"{sum(stream.is_activated for stream in after.streams.values())} messages of versions are valid"
    return _gone(consumer, loading, before, after)


def _versions(messages):
    """What is wrong with the versions of a run; that there are enough of them."""
    activated = [name for name, stream in messages.streams.items() if stream.is_activated]
    if len(activated) < 30:
        yield f"ACTIVATE_VERSION came for {len(activated)} of {len(messages.streams)} streams"
    yield from (f"{name}: records without a version" for name in activated
                if not messages.streams[name].is_versioned)
    yield from (f"{name}: it is read by what changed, and has versions" for name in ("incidents",)
                if name in activated)


def _gone(consumer, loading, before, after):
    """Compares the keys in the target with those of both runs."""
    held = checks.keys(loading.reader, loading.place, after.streams)
    gone, problems = 0, []
    for name, stream in after.streams.items():
        old, new = (checks.sent_keys(run.streams[name], loading.reader) for run in (before, after))
        removes = consumer.removes and stream.is_activated
        wanted = new if removes else old | new
        gone += len(old - new) if removes or not consumer.removes else 0
        problems += [f"{name}: {key} is still there" for key in held[name] - wanted]
        problems += [f"{name}: {key} is not there any more" for key in wanted - held[name]]
    first(problems)
    if gone < 200:
        raise Failure(f"{gone} rows were gone, which proves little")
    return f"{gone} rows that are gone {'are removed' if consumer.removes else 'stay'}"


def old_catalog(consumer, around):
    """A catalog of another release: fewer streams and fields, narrower types. All rows of its streams come."""
    tap = consumer.choose(around.demo().told("--catalog", around.old_catalog), known=around.left_out)
    sent = around.sent(tap, DEMO_MONTHS)
    first(catalogs.problems(sent, around.left_out, consumer.leave_out))
    loading = Loading(consumer, "old catalog", around)
    loading.run(tap)
    checks.whole(sent, loading.reader, loading.place)
    return f"{sent.count} rows of {len(sent.streams)} streams"


HISTORIES = {
    "all": all_streams,
    "incremental": incremental,
    "killed": killed,
    "deletions": deletions,
    "old catalog": old_catalog,
    "SIGTERM": terminated,
}
