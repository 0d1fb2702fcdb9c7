"""A target for SQLite made of the classes that Meltano's SDK has for targets into databases."""

import json
from decimal import Decimal

from singer_sdk import typing
from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget


class Connector(SQLConnector):
    """Where the database is."""

    allow_column_alter = False
    allow_temp_tables = False

    def get_sqlalchemy_url(self, config):
        """The address in the words of SQLAlchemy."""
        return f"sqlite:///{config['path']}"


class Sink(SQLSink):
    """Writes rows; one whose key is there replaces it."""

    connector_class = Connector

    def generate_insert_statement(self, full_table_name, schema):
        """What inserts a row."""
        return super().generate_insert_statement(full_table_name, schema).prefix_with("OR REPLACE")

    def conform_record(self, record):
        """A row as SQLite can hold it: what has members as JSON, and no decimals, as which the SDK reads numbers."""
        return {name: json.dumps(value, default=float) if isinstance(value, (dict, list)) else
                float(value) if isinstance(value, Decimal) else value
                for name, value in super().conform_record(record).items()}


class Target(SQLTarget):
    """The target."""

    name = "sdk-sqlite"
    default_sink_class = Sink
    # One connection writes at a time.
    max_parallelism = 1
    config_jsonschema = typing.PropertiesList(typing.Property("path", typing.StringType, required=True)).to_dict()


Target.cli()
