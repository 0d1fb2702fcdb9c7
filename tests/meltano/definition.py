"""Holds meltano/hub.yml against the schema that Meltano brings and what Meltano Hub asks for beside it, and
meltano/tap-incident.yml against that; and that they say what they should.

    definition.py FOLDER CATALOG [SCHEMAS-OF-MELTANO-HUB]

The schemas of the Hub are the folder `schemas` of its repository. Without it, what is the Hub's alone is held
against the few words that the Hub has for it.
"""

import json
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import yaml

OF_THE_HUB = {
    "quality": {"enum": ["gold", "silver", "bronze", "unknown"]},
    "domain_url": {"type": "string", "pattern": "^https://"},
    "supported_python_versions": {"type": "array", "items": {"type": "string", "pattern": r"^3\.\d+$"}},
}

folder, catalog, *hub = sys.argv[1:]
definition, to_add = (yaml.safe_load(Path(folder, name).read_text()) for name in ("hub.yml", "tap-incident.yml"))

meltanos = json.loads(resources.files("meltano.schemas").joinpath("meltano.schema.json").read_text())
project = {"plugins": {"extractors": [{name: value for name, value in definition.items() if name not in OF_THE_HUB}]}}
jsonschema.validate(project, meltanos, jsonschema.Draft202012Validator)
jsonschema.validate(definition, {"required": ["name", "namespace", "variant", "quality"], "properties": OF_THE_HUB})
if hub:
    import referencing
    from referencing.jsonschema import DRAFT7

    root = Path(hub[0]).resolve()
    # They refer to each other by their places. Their names for themselves say something else.
    registry = referencing.Registry().with_resources(
        (each.as_uri(), DRAFT7.create_resource(json.loads(each.read_text()) | {"$id": each.as_uri()}))
        for each in root.rglob("*.json"))
    schema = {"$ref": (root / "plugin_definitions/extractors.schema.json").as_uri()}
    jsonschema.Draft7Validator(schema, registry=registry).validate(definition)
    print("meltano, the definition: valid for Meltano Hub")

settings = {setting["name"]: setting for setting in definition["settings"]}
assert len(settings) == len(definition["settings"]), "a setting comes twice"
assert definition["settings_group_validation"] == [["api_key"], ["api_key_file"], ["demo"]]
assert {name for name, setting in settings.items() if setting.get("sensitive")} == {"api_key", "access_token"}
assert all(setting.keys() >= {"label", "description", "kind"} for setting in settings.values())
assert definition["capabilities"] == [
    "about", "activate-version", "catalog", "discover", "state", "structured-logging", "test"]
with open(catalog) as file:
    streams = {stream["stream"]: stream["metadata"] for stream in json.load(file)["streams"]}
left_out = {pattern[1:].partition(".")[0] for pattern in definition["select"] if pattern.startswith("!")}
assert left_out == {
    stream for stream, metadata in streams.items()
    for entry in metadata if not entry["breadcrumb"] and not entry["metadata"]["selected-by-default"]}
[variant] = to_add.pop("variants")
to_add |= variant | {"name": to_add["name"], "variant": variant["name"]}
assert to_add == {name: value for name, value in definition.items() if name not in ("quality", "domain_url")}
print(f"meltano, the definition: {len(settings)} settings, {len(streams) - len(left_out)} of {len(streams)} streams")
