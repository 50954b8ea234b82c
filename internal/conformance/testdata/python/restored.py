import os

from snapshot_restore_py import register_after_restore, register_before_snapshot

called = []
register_before_snapshot(called.append, "first before")
register_after_restore(called.append, "first after")


@register_before_snapshot
def second():
    called.append("second before")
    print("snapshot")


@register_after_restore
def restored():
    called.append("second after")
    print("restored")
    if os.environ.get("FAILS") == "after":
        raise ValueError("no restore")


if os.environ.get("FAILS") == "before":
    register_before_snapshot(lambda: 1 / 0)


def handler(event, context):
    return called + [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "AWS_ACCESS_KEY_ID" in os.environ]
