"""Compiled code of the function and its layers, kept in lambkin's cache: the
user's folders get no __pycache__, and yet nothing is compiled twice.

A cached file starts with what it was compiled from; unlike Python's own cache
that includes the time of the last change in nanoseconds, so that of two
versions of a file that have the same size and the same second none is taken
for the other."""
import marshal
import os
import sys
import time

# The import system itself, which is there already; importlib's modules would have to be read.
import _frozen_importlib_external as importing

# A file that was changed a moment ago may change again without its time showing it.
SETTLED = 2.0


def install(folder, roots):
    """Caches in folder what is imported from the roots."""
    prefixes = tuple(os.path.join(os.path.realpath(root), "") for root in roots if root)
    cached = (loader(folder), importing.SOURCE_SUFFIXES)
    others = [kind for kind in importing._get_supported_file_loaders() if kind[0] is not importing.SourceFileLoader]
    finder = importing.FileFinder.path_hook(others[0], cached, *others[1:])

    def hook(path):
        if not os.path.join(os.path.realpath(path), "").startswith(prefixes):
            raise ImportError("not the function's code", path=path)
        return finder(path)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()


def loader(folder):
    class CachedLoader(importing.SourceFileLoader):
        @unseen
        def get_code(self, fullname):
            path = self.get_filename(fullname)
            try:
                status = os.stat(path)
            except OSError:
                return importing.SourceFileLoader.get_code(self, fullname)
            head = header(path, status)
            file = os.path.join(folder, file_name(path))
            code = read(file, head)
            if code is None:
                code = self.source_to_code(self.get_data(path), path)
                if time.time() - status.st_mtime > SETTLED:
                    write(file, head + marshal.dumps(code))
            return code

    return CachedLoader


def unseen(method):
    """Gives a method the file of the import system's own, which Python leaves
    out of tracebacks."""
    code = method.__code__
    if hasattr(code, "replace"):
        method.__code__ = code.replace(co_filename=importing.SourceFileLoader.get_code.__code__.co_filename)
    return method


def header(path, status):
    text = "%s %d %d %d\n" % (path, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    return importing.MAGIC_NUMBER + text.encode("utf-8", "surrogateescape")


def file_name(path):
    """A flat name; two paths that share one take turns, as the header tells them apart."""
    name = path.replace(os.sep, "-").replace(":", "-")[-150:]
    return "%s.%s%s" % (name, sys.implementation.cache_tag, sys.flags.optimize or "")


def read(file, head):
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except OSError:
        return None
    if not data.startswith(head):
        return None
    try:
        return marshal.loads(data[len(head) :])
    except (EOFError, TypeError, ValueError):
        return None


def write(file, data):
    """Keeps a file, whole or not at all. That it cannot be kept costs time only."""
    temporary = "%s.%d" % (file, os.getpid())
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(temporary, "wb") as stream:
            stream.write(data)
        os.replace(temporary, file)
    except OSError:
        pass
