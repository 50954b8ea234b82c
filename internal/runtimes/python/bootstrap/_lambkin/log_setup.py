"""The logging module as AWS's runtimes configure it, once somebody imports it."""
import sys


def install(settings, invocation):
    def setup(logging):
        if settings.serverless:
            logging.basicConfig()
        else:
            configure(logging, settings, invocation)

    if "logging" in sys.modules:
        setup(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, Finder(setup))


class Finder(object):
    """Finds the module logging where it is and has it set up after it has run."""

    def __init__(self, setup):
        self.setup = setup

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        spec = None
        for finder in sys.meta_path:
            look = getattr(finder, "find_spec", None)
            spec = look(name, path, target) if look is not None else None
            if spec is not None:
                break
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader, self.setup)
        return spec


class Loader(object):
    def __init__(self, loader, setup):
        self.loader = loader
        self.setup = setup

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        self.setup(module)


def configure(logging, settings, invocation):
    import time

    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            sys.stdout.write(self.format(record))

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = invocation.request_id or ""
            record.tenant_id = invocation.tenant_id
            return True

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    if settings.json_log:
        handler.setFormatter(json_formatter(logging))
    else:
        text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(text, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    if isinstance(logging.getLevelName(settings.log_level or None), int):
        root.setLevel(settings.log_level)
    root.addHandler(handler)


# What every record has; the rest comes from the caller's extra.
RESERVED = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created"
    " msecs relativeCreated thread threadName processName process taskName aws_request_id tenant_id".split()
)


def json_formatter(logging):
    import json

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            level = min(50, max(0, record.levelno)) // 10 * 10
            result = {
                "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": logging.getLevelName(level),
                "message": record.getMessage(),
                "logger": record.name,
            }
            if record.exc_info:
                import traceback

                result["stackTrace"] = traceback.format_tb(record.exc_info[2])
                result["errorType"] = record.exc_info[0].__name__
                result["errorMessage"] = str(record.exc_info[1])
            result["requestId"] = record.aws_request_id
            if record.exc_info:
                result["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
            if record.tenant_id is not None:
                result["tenantId"] = record.tenant_id
            for key, value in record.__dict__.items():
                if key not in RESERVED and key not in result and value is not None:
                    result[key] = value
            return json.dumps(result, ensure_ascii=False) + "\n"

    return JsonFormatter()
