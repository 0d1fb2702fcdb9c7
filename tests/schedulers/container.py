"""Prints, a word a line, what Bubblewrap needs to run the CronJob's container as Kubernetes would.

    container.py MANIFEST command           what it runs
    container.py MANIFEST options VOLUMES   as whom, with which variables and mounts; VOLUMES is a folder
                                            with a folder for each volume of the manifest
"""

import sys

import yaml

manifest, wanted, *volumes = sys.argv[1:]
with open(manifest) as file:
    job = next(one for one in yaml.safe_load_all(file) if one["kind"] == "CronJob")
pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
[container] = pod["containers"]
security, user = container["securityContext"], pod["securityContext"]
if not security["readOnlyRootFilesystem"] or security["capabilities"]["drop"] != ["ALL"]:
    sys.exit("the container may do more than is tried here")
# The schema takes any text.
if job["spec"]["concurrencyPolicy"] != "Forbid" or pod["restartPolicy"] != "Never":
    sys.exit("two syncs may run at a time")

if wanted == "command":
    words = container["command"] + container["args"]
else:
    words = ["--unshare-user", "--uid", user["runAsUser"], "--gid", user["runAsGroup"], "--cap-drop", "ALL"]
    for mount in container["volumeMounts"]:
        bind = "--ro-bind" if mount.get("readOnly") else "--bind"
        words += [bind, f"{volumes[0]}/{mount['name']}", mount["mountPath"]]
    for variable in container["env"]:
        words += ["--setenv", variable["name"], variable["value"]]
print(*words, sep="\n")
