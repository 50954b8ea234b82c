"""Functions that are to be called around a snapshot of SnapStart, under the
names that AWS's runtimes from Python 3.12 on have for it. A package of that name
in the function's own code comes first, as on AWS."""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """Has func called before the snapshot; the last one registered is the first called."""
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Has func called after a restore, in the order of registration."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    """What is to be called before the snapshot: functions with their arguments."""
    return _before_snapshot


def get_after_restore():
    """What is to be called after a restore: functions with their arguments."""
    return _after_restore
