"""How the rows that a consumer has loaded are read back: a module for each form."""

import importlib


def named(name):
    """The reader of the module with this name."""
    return importlib.import_module(f"readers.{name}").READER
