"""What happens around a snapshot of SnapStart: the function's hooks, and the
wait for the restore between them."""
import sys


def around(client, fail):
    """Runs the hooks. One that fails ends the process, when fail has told of it."""
    hooks = sys.modules.get("snapshot_restore_py")
    try:
        waiting = hooks.get_before_snapshot() if hooks else []
        while waiting:
            func, args, kwargs = waiting.pop()
            func(*args, **kwargs)
        client.get("restore/next")
    except BaseException as exception:
        fail(exception, "init/error", "Runtime.BeforeSnapshotError")
        sys.exit(64)
    try:
        for func, args, kwargs in hooks.get_after_restore() if hooks else []:
            func(*args, **kwargs)
    except BaseException as exception:
        fail(exception, "restore/error", "Runtime.AfterRestoreError")
        sys.exit(65)
