"""A PostgreSQL server for one run of the checks, in a folder of its own."""

import contextlib
import glob
import os
import pwd
import subprocess
from dataclasses import dataclass

from failure import Failure


@dataclass
class Server:
    """Where it listens, and what starts a query."""

    socket: str
    psql: list


@contextlib.contextmanager
def server(folder):
    """Runs a server as long as the block does."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    if not found:
        raise Failure("PostgreSQL is not installed: apt-get install postgresql")
    data, socket = f"{folder}/data", f"{folder}/socket"
    for path in (folder, data, socket):
        os.makedirs(path)
        os.chmod(path, 0o700 if path == data else 0o755)
        # It refuses to run as root.
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(path, owner.pw_uid, owner.pw_gid)
    _run([f"{found[-1]}/initdb", "-D", data, "-U", "tap", "--auth=trust"])
    options = f"-c listen_addresses='' -k {socket} -c fsync=off -c max_connections=50"
    _run([f"{found[-1]}/pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"])
    try:
        yield Server(socket, ["psql", "-h", socket, "-U", "tap", "-d", "postgres", "-At"])
    finally:
        _run([f"{found[-1]}/pg_ctl", "-D", data, "-m", "immediate", "stop"])


def _run(command):
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # The server keeps what it inherits: a pipe would not end with the command.
    done = subprocess.run([*prefix, *command], cwd="/", stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if done.returncode:
        raise Failure(f"{command[0]} ended with {done.returncode}")
