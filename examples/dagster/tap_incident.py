"""One asset, and of it one partition for each workspace: each sync is a process with its own key and state.

TAP_INCIDENT_FOLDER holds a file for each workspace, such as harbour.json with what the target needs to know;
the state of harbour is kept beside it, and its key is in TAP_INCIDENT_API_KEY_HARBOUR.
"""

import os
import subprocess
from pathlib import Path

import dagster

PIPE = os.environ.get("TAP_INCIDENT_PIPE", "/opt/tap-incident/examples/pipe/run")
FOLDER = Path(os.environ.get("TAP_INCIDENT_FOLDER", "/var/lib/tap-incident"))
workspaces = dagster.StaticPartitionsDefinition(["harbour", "depot"])


@dagster.asset(
    partitions_def=workspaces,
    retry_policy=dagster.RetryPolicy(max_retries=3, delay=300, backoff=dagster.Backoff.EXPONENTIAL),
)
def incidents(context: dagster.AssetExecutionContext):
    workspace = context.partition_key
    state, target = FOLDER / f"{workspace}.state", FOLDER / f"{workspace}.json"
    key = os.environ[f"TAP_INCIDENT_API_KEY_{workspace.upper()}"]
    # Two syncs of a workspace would go on from one state. The second is refused.
    command = ["flock", "--nonblock", "--no-fork", f"{state}.lock",
               PIPE, state, "--", "target-jsonl", "--config", target]
    with subprocess.Popen(command, env=os.environ | {"TAP_INCIDENT_API_KEY": key},
                          stderr=subprocess.PIPE, text=True) as sync:
        try:
            for line in sync.stderr:
                context.log.info(line.rstrip())
        except BaseException:
            # It has a second or two of work left, and is not to wait for one that reads its log.
            sync.terminate()
            sync.communicate()
            raise
    # Usage, and a key that is not let in: these do not mend themselves.
    if sync.returncode:
        raise dagster.Failure(f"the sync ended with {sync.returncode}",
                              allow_retries=sync.returncode not in (2, 3))


@dagster.schedule(cron_schedule="17 */4 * * *", target=incidents)
def every_four_hours():
    return [dagster.RunRequest(partition_key=workspace) for workspace in workspaces.get_partition_keys()]


definitions = dagster.Definitions(assets=[incidents], schedules=[every_four_hours])
