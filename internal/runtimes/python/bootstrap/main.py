# The first file of lambkin's Python runtime. It is compiled at every start, so
# it only finds the rest, whose compiled form is kept.
import sys


def start(folder):
    import os

    # Nothing may leave __pycache__ in the user's folders.
    sys.dont_write_bytecode = True
    cache = os.environ.pop("_LAMBKIN_PYCACHE", None)
    prefixed = cache and sys.version_info >= (3, 8)
    if prefixed:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = cache
    from _lambkin import bootstrap

    if prefixed:
        sys.dont_write_bytecode = True
        sys.pycache_prefix = None
    bootstrap.main(folder, cache)


# Processes that the function starts with multiprocessing import this file too.
if __name__ == "__main__":
    start(sys.path[0])
