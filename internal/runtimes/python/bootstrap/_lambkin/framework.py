"""What functions see under `serverless invoke local`: the framework's own
context object, its environment, and its way with results and failures."""
import os
import sys
import time


def become(changes):
    """Makes the environment the one that the framework would have."""
    for name in changes.get("unset", ()):
        os.environ.pop(name, None)
    for name, value in changes.get("set", ()):
        os.environ[name] = value


class FakeLambdaContext(object):
    """The framework's context. Members of a custom one lie over it; a text
    gives one member for each of its characters, as in the framework. What AWS
    has besides is there, too, but does not show in dir()."""

    def __init__(self, function, headers, parse):
        now = time.time()
        name = function.get("name")
        self.aws_request_id = "1234567890"
        self.created = now
        self.function_name = name
        self.function_version = "LATEST"
        self.invoked_function_arn = "arn:aws:lambda:serverless:%s" % name
        self.log = sys.stdout.write
        self.logGroupName = self.log_group_name = "/aws/lambda/%s" % name
        self.log_stream_name = time.strftime("%Y/%m/%d", time.localtime(now)) + "/[$LATEST]58419525dade4d17a495dceeeed44708"
        self.memory_limit_in_mb = "1024"
        self.name = name
        self.timeout = function.get("timeout")
        self.version = "LATEST"
        self._aws = headers, parse
        custom = parse(headers.get("lambkin-context"), "Context")
        if isinstance(custom, dict):
            vars(self).update(custom)
        elif isinstance(custom, (str, list)):
            vars(self).update((str(place), item) for place, item in enumerate(custom))

    def get_remaining_time_in_millis(self):
        return max(self.timeout * 1000 - int((time.time() - self.created) * 1000), 0)

    def __getattr__(self, name):
        if name in ("client_context", "identity", "tenant_id"):
            from .lambda_context import LambdaContext

            return getattr(LambdaContext(*self._aws), name)
        raise AttributeError("%r object has no attribute %r" % (type(self).__name__, name))


def context(settings, headers, parse):
    return FakeLambdaContext(settings.function, headers, parse)


def number(decimal):
    """Decimals become the numbers of the framework: whole ones without a fraction, large ones as near as floats come."""
    value = float(decimal)
    return int(value) if value.is_integer() else value


def show(exception):
    """Writes a failure to standard error, where nothing else is printed to."""
    import traceback

    trace = exception.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == os.path.dirname(__file__):
        trace = trace.tb_next
    traceback.print_exception(type(exception), exception, trace)
