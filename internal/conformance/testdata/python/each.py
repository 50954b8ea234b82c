"""Calls the handler that the event names, so that one process serves many."""
import importlib


def handler(event, context):
    module, _, name = event["run"].rpartition(".")
    return getattr(importlib.import_module(module), name)(event, context)
