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

    # AWS has two, and programs look for them by name.
    if settings.json_log or settings.log_level:
        LambdaLoggerHandler.__name__ = LambdaLoggerHandler.__qualname__ = "LambdaLoggerHandlerWithFrameType"

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
    " msecs relativeCreated thread threadName processName process aws_request_id tenant_id".split()
)


def json_formatter(logging):
    import json

    # What JSON has no word for becomes text.
    encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            record.levelno = min(50, max(0, record.levelno)) // 10 * 10
            record.levelname = logging.getLevelName(record.levelno)
            error = record.exc_info or None
            result = {
                "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
                "level": record.levelname,
                "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
                "logger": record.name,
                "stackTrace": error and trace(error[2]),
                "errorType": error and error[0].__name__,
                "errorMessage": error and str(error[1]),
                "requestId": getattr(record, "aws_request_id", None),
                "location": error and "%s:%s:%s" % (record.pathname, record.funcName, record.lineno),
            }
            if getattr(record, "tenant_id", None) is not None:
                result["tenantId"] = record.tenant_id
            for key, value in record.__dict__.items():
                if key not in RESERVED and key not in result:
                    result[key] = value
            return encode({key: value for key, value in result.items() if value is not None}) + "\n"

    def trace(frames):
        import traceback

        return traceback.format_tb(frames)

    return JsonFormatter()
