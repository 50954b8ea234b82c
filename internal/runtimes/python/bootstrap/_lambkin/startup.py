"""What has to be in place before the function's code is imported: the search
path, packages, compiled code, standard output and logging."""
import os
import sys

from . import code_cache, log_setup


def prepare(settings, invocation, folder, root, cache):
    order_path(folder, root)
    packages()
    layers = os.environ.pop("_LAMBKIN_OPT", "")
    if cache:
        code_cache.install(cache, [root, layers, folder])
    if sys.version_info < (3, 7):
        unbuffer()
    sys.argv = [os.path.join(environ_folder(folder), "bootstrap.py")]
    if not settings.serverless:
        sys.meta_path.append(Names())
    log_setup.install(settings, invocation)


def environ_folder(folder):
    return os.environ.get("LAMBDA_RUNTIME_DIR") or os.path.dirname(folder)


def order_path(folder, root):
    """Puts the function's code first, then PYTHONPATH, then what layers bring.
    The bootstrap's own folder goes: its package finds the rest of itself."""
    sys.path.remove(folder)
    configured = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    rest = [entry for entry in sys.path if entry not in configured]
    layers = []
    opt = os.environ.get("_LAMBKIN_OPT")
    if opt:
        python = os.path.join(opt, "python")
        site = "python%d.%d" % tuple(sys.version_info[:2])
        layers = [os.path.join(python, "lib", site, "site-packages"), python]
    sys.path[:] = [root] + configured + layers + rest


def packages():
    """Does what Python does at every start unless told not to, except for .pth
    files: they can cost more than the interpreter itself. They are read when
    an import finds nothing without them."""
    if not sys.flags.no_site:
        return
    import site

    read = getattr(site, "addpackage", None)
    waiting = []
    if read is not None:
        site.addpackage = lambda folder, name, known: waiting.append((folder, name)) or known
    try:
        site.main()
    finally:
        if read is not None:
            site.addpackage = read
    if waiting:
        sys.meta_path.append(PathFiles(waiting))


class Names(object):
    """Finds the class of the context object under the name that it has on AWS,
    unless the function brings a package of that name."""

    def find_spec(self, name, path=None, target=None):
        if name not in ("awslambdaric", "awslambdaric.lambda_context"):
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, is_package=name == "awslambdaric")

    def create_module(self, spec):
        if spec.name == "awslambdaric":
            return None
        from . import lambda_context

        return lambda_context

    def exec_module(self, module):
        pass


class PathFiles(object):
    """The last finder: it reads the .pth files that were put off, then looks again."""

    # Names that the standard library tries to import and does without.
    OPTIONAL = ("org", "java", "vms_lib", "sitecustomize", "usercustomize", "_scproxy", "winreg", "nt", "msvcrt", "_winapi")

    def __init__(self, waiting):
        self.waiting = waiting

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.OPTIONAL or not self.waiting:
            return None
        import site

        waiting, self.waiting = self.waiting, []
        for folder, file in waiting:
            site.addpackage(folder, file, None)
        for finder in list(sys.meta_path):
            look = getattr(finder, "find_spec", None)
            spec = look(name, path, target) if look is not None and finder is not self else None
            if spec is not None:
                return spec
        return None


def unbuffer():
    """Makes Python 3.6 write what is printed at once, and in UTF-8, as newer
    versions are told on the command line."""
    import io

    class Text(io.TextIOWrapper):
        def write(self, text):
            count = io.TextIOWrapper.write(self, text)
            self.flush()
            return count

    sys.stdout = Text(sys.stdout.detach(), encoding="utf-8", errors="surrogateescape")
    sys.stderr = Text(sys.stderr.detach(), encoding="utf-8", errors="backslashreplace")
