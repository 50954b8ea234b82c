"""Handlers that look at the context object."""
import json
import os


def members(event, context):
    return [name for name in dir(context) if not name.startswith("_")]


def text(event, context):
    return repr(context).replace(context.log_stream_name, "STREAM")


def as_string(event, context):
    return str(context.identity) + str(context.client_context)


def type_name(event, context):
    return [type(context).__name__, type(context).__module__, type(context.identity).__name__]


def types(event, context):
    return {name: type(getattr(context, name)).__name__ for name in dir(context) if not name.startswith("_")}


def identity_without(event, context):
    return [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id] if hasattr(context.identity, "cognito_identity_id") else "unset"


def identity_text(event, context):
    return str(context.identity)


def client_fields(event, context):
    c = context.client_context
    return [c.custom, c.env, c.client.installation_id, c.client.app_title, c.client.app_version_name, c.client.app_version_code, c.client.app_package_name]


def client_unset(event, context):
    c = context.client_context
    return [c.custom, c.env, c.client]


def own_members(event, context):
    context.own = 1
    context.function_name = "changed"
    return [context.own, context.function_name]


def same_context(event, context):
    old = globals().get("kept")
    globals()["kept"] = context
    return old is context


def remaining_falls(event, context):
    import time

    before = context.get_remaining_time_in_millis()
    time.sleep(0.02)
    return [type(before).__name__, before - context.get_remaining_time_in_millis() >= 20]


def w3c(event, context):
    return [context.w3c(), context.client_context and context.client_context.custom]


def is_json(event, context):
    try:
        json.dumps(context)
    except TypeError as error:
        return str(error)


def cannot_set_identity(event, context):
    context.identity.other = 1


def trace_of_each(event, context):
    return os.environ.get("_X_AMZN_TRACE_ID")


def deadline(event, context):
    import time

    return abs(context._epoch_deadline_time_in_ms - time.time() * 1000 - 20_000) < 10_000
