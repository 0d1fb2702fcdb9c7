"""One sync for each workspace, side by side: each a process of its own, with its own key and state.

The variable `tap_incident` says where states are kept, a folder or a place in object storage, and into what
each workspace is loaded:

    {"states": "s3://aws_default@my-bucket/tap-incident",
     "workspaces": {"harbour": ["target-postgres", "--config", "/etc/tap-incident/harbour.json"]}}

Its key is the password of the connection `tap_incident_harbour`, whose host is the address of the API if that
is not incident.io's own. Other settings are the worker's environment: TAP_INCIDENT_<SETTING>.
"""

import logging
import os
import subprocess
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import BaseHook, ObjectStoragePath, Variable, dag, task
from airflow.sdk.exceptions import AirflowFailException

PIPE = os.environ.get("TAP_INCIDENT_PIPE", "/opt/tap-incident/examples/pipe/run")
# Usage, and a key that is not let in: these do not mend themselves.
FINAL_CODES = {2, 3}
log = logging.getLogger(__name__)


@dag(
    schedule="17 */4 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    # A workspace has one state, so that no two syncs of it may overlap.
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5), "retry_exponential_backoff": True},
)
def tap_incident():
    @task
    def workspaces():
        return sorted(Variable.get("tap_incident", deserialize_json=True)["workspaces"])

    @task(max_active_tis_per_dagrun=8, map_index_template="{{ task.op_kwargs['workspace'] }}")
    def sync(workspace):
        settings = Variable.get("tap_incident", deserialize_json=True)
        connection = BaseHook.get_connection(f"tap_incident_{workspace}")
        environment = os.environ | {"TAP_INCIDENT_API_KEY": connection.password}
        if connection.host:
            environment["TAP_INCIDENT_ENDPOINT"] = connection.host

        kept = ObjectStoragePath(settings["states"]) / f"{workspace}.json"
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "state.json"
            if kept.exists():
                state.write_bytes(kept.read_bytes())
            try:
                code = run([PIPE, str(state), "--", *settings["workspaces"][workspace]], environment)
            finally:
                # A run that failed, or was stopped, has a state, too, if the target ended well.
                if state.exists():
                    keep(state.read_bytes(), kept)
        if code in FINAL_CODES:
            raise AirflowFailException(f"{workspace}: the sync ended with {code}")
        if code:
            raise RuntimeError(f"{workspace}: the sync ended with {code}")

    sync.expand(workspace=workspaces())


def run(command, environment):
    """The exit code of a command whose log goes into that of the task, and which ends with the task."""
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stderr:
                log.info(line.rstrip())
            return process.wait()
        except BaseException:
            # It has a second or two of work left, and is not to wait for one that reads its log.
            process.terminate()
            process.communicate()
            raise


def keep(state, kept):
    """Puts the state in its place in one step, which writing to a file is not."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    new = kept.with_suffix(".new")
    new.write_bytes(state)
    new.rename(kept)


tap_incident()
