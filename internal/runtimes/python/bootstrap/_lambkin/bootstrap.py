"""The Python runtime of lambkin: it loads the function's handler and answers
invocations over the Lambda Runtime API. It speaks like the managed runtime
that AWS_EXECUTION_ENV names, whatever version of Python it runs on, so it keeps
to what Python 3.6 understands.

Starting fast is half of its job: what is not needed before the first event
(json, traceback, logging) is imported when it is needed, and only then.
"""
import _signal
import os
import sys

from . import runtime_client, startup

environ = os.environ


class FaultException(Exception):
    """A failure that the runtime found, not the function."""

    def __init__(self, error_type, message, trace=None):
        Exception.__init__(self, message)
        self.error_type = error_type
        self.message = message
        self.trace = trace


class Settings(object):
    """What the environment says of the runtime to play."""

    def __init__(self):
        self.serverless = environ.pop("_LAMBKIN_DIALECT", "") == "serverless"
        self.function = environ.pop("_LAMBKIN_FUNCTION", "{}")
        self.shell = environ.pop("_LAMBKIN_SHELL", "{}")
        self.version = self._version()
        self.concurrency = 0 if self.serverless else int(environ.get("AWS_LAMBDA_MAX_CONCURRENCY") or 0)
        self.json_log = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        level = environ.get("AWS_LAMBDA_LOG_LEVEL", "")
        self.log_level = "DEBUG" if level == "TRACE" else level.upper()
        if self.version < (3, 12) and environ.get("LC_CTYPE", "").upper() in ("C.UTF-8", "UTF-8", "C.UTF8"):
            del environ["LC_CTYPE"]  # Python set it by itself, for a locale that is missing

    @staticmethod
    def _version():
        name = environ.get("AWS_EXECUTION_ENV", "").rpartition("python")[2]
        try:
            major, minor = name.split(".")
            return int(major), int(minor)
        except ValueError:
            return tuple(sys.version_info[:2])


class Unbuffered(object):
    """Standard output and error as AWS's runtimes have them: text is written at
    once, bytes that go to the stream's buffer wait for the next text."""

    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def write(self, msg):
        self.stream.write(msg)
        self.stream.flush()

    def writelines(self, lines):
        self.stream.writelines(lines)
        self.stream.flush()


class Invocation(object):
    """The invocation that log lines are written for."""

    request_id = None
    tenant_id = None


def main(folder, cache):
    """Runs until the platform or the function ends the process."""
    settings = Settings()
    root = environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
    took = None
    if settings.concurrency > 1 and hasattr(os, "fork"):
        from . import workers

        took = workers.spread(settings.concurrency)
    startup.prepare(settings, Invocation, folder, root, cache)
    if not settings.serverless:
        sys.stdout = Unbuffered(sys.stdout)
        sys.stderr = Unbuffered(sys.stderr)
    client = runtime_client.Client(environ["AWS_LAMBDA_RUNTIME_API"], settings.concurrency > 0)
    name = environ.get("_HANDLER", "")
    if settings.serverless:
        import json
        from . import framework

        settings.function = json.loads(settings.function)
        framework.become(json.loads(settings.shell))
        sys.path.append(os.path.join(folder, "serverless"))
    handler = load(settings, client, name)
    # Part of the initialization, so that the first event is not measured with it.
    from . import lambda_context, marshal_json  # noqa: F401

    if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        from . import snapshot

        snapshot.around(client, lambda exception, path, kind: report(settings, client, exception, path, kind))

    wait = client.next
    if settings.version < (3, 12) and not settings.serverless and hasattr(_signal, "pthread_sigmask"):
        wait = undisturbed(wait)
    while True:
        headers, body = wait()
        if took:
            took()
            took = None
        handle_event_request(settings, client, handler, headers, body)


def undisturbed(wait):
    """Until 3.11, AWS's runtimes wait in a library that is not Python's, and the
    function's handlers of signals run when the next event has come."""

    def handled():
        for number in range(1, _signal.NSIG):
            handler = _signal.getsignal(number)
            if callable(handler) and handler is not _signal.default_int_handler:
                yield number

    def without_signals():
        numbers = list(handled())
        if not numbers:
            return wait()
        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, numbers)
        try:
            return wait()
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)

    return without_signals


def load(settings, client, name):
    """Returns the handler, or posts why there is none and ends the process."""
    try:
        return get_handler(name)
    except FaultException as fault:
        error = make_error(settings, fault.message, fault.error_type, fault.trace, "")
        cause = fault.__context__ or fault
    except Exception as exception:
        error = describe(settings, exception, "")
        cause = exception
    log_error(settings, error, cause)
    client.post_early("init/error", encode_error(settings, error), error["errorType"])
    sys.exit(1)


def report(settings, client, exception, path, kind):
    """Posts a failure of a hook around a snapshot."""
    error = describe(settings, exception, "")
    log_error(settings, error, exception)
    client.post_early(path, encode_error(settings, error), kind)


def get_handler(handler):
    try:
        module_name, function_name = handler.rsplit(".", 1)
    except ValueError as error:
        raise FaultException("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (handler, error))
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise FaultException(
            "Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module_name
        )
    import importlib

    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise FaultException("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, error))
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        message = "Syntax error in module '%s': %s" % (module_name, error)
        raise FaultException("Runtime.UserCodeSyntaxError", message, trace)
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise FaultException("Runtime.HandlerNotFound", message)


def handle_event_request(settings, client, request_handler, headers, body):
    request_id = headers.get("lambda-runtime-aws-request-id")
    Invocation.request_id = request_id
    Invocation.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
    trace_id = headers.get("lambda-runtime-trace-id")
    if trace_id is not None and not settings.serverless:
        environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        environ.pop("_X_AMZN_TRACE_ID", None)
    from . import marshal_json

    try:
        lambda_context = make_context(settings, headers, marshal_json.parse)
        event = marshal_json.event(body, headers.get("content-type", "application/json"))
        response = request_handler(event, lambda_context)
        if settings.serverless:
            from . import framework

            result, content_type = marshal_json.result(response, True, framework.number)
        else:
            result, content_type = marshal_json.result(response, settings.version < (3, 12))
        error = None
    except marshal_json.Fault as fault:
        error = make_error(settings, fault.message, fault.error_type, None, request_id)
        # Kept only where it is shown: it keeps the result alive.
        cause = (fault.__context__ or fault) if settings.serverless else None
    except Exception as exception:
        error = describe(settings, exception, request_id)
        cause = exception
    # What fails from here on, such as half a surrogate pair that is no UTF-8, ends the process, as on AWS.
    if error is None:
        client.post_response(request_id, result if isinstance(result, bytes) else result.encode("utf-8"), content_type)
    else:
        log_error(settings, error, cause)
        client.post_error(request_id, encode_error(settings, error))


def make_context(settings, headers, parse):
    if settings.serverless:
        from .framework import context

        return context(settings, headers, parse)
    from .lambda_context import LambdaContext

    return LambdaContext(headers, parse)


def describe(settings, exception, request_id):
    """The error object for an exception that came out of the function."""
    import traceback

    frames = traceback.extract_tb(exception.__traceback__)
    for first, frame in enumerate(frames):
        # By its name, as on AWS: it may be the function's.
        if not frame[0].replace(os.sep, "/").endswith("/bootstrap.py"):
            frames = frames[first:]
            break
    # Without ^^^^ under the source, and with every frame: AWS's own form.
    plain = [(frame[0], frame[1], frame[2], frame[3]) for frame in frames]
    return make_error(settings, str(exception), type(exception).__name__, traceback.format_list(plain), request_id)


def make_error(settings, message, error_type, trace, request_id):
    error = {"errorMessage": message or "", "errorType": error_type or ""}
    if settings.version >= (3, 9):
        error["requestId"] = request_id or ""
    error["stackTrace"] = trace or []
    return error


def encode_error(settings, error):
    import json

    # What cannot be encoded, such as half a surrogate pair, must not hide the error.
    return json.dumps(error, ensure_ascii=settings.version < (3, 12)).encode("utf-8", "backslashreplace")


def log_error(settings, error, exception):
    """Writes the line that a failure leaves in the log."""
    if settings.serverless:
        from .framework import show

        show(exception)
        return
    if settings.json_log:
        import json
        import time

        record = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": "ERROR"}
        record.update(error)
        sys.stdout.write(json.dumps(record, ensure_ascii=settings.version < (3, 12)) + "\n")
        return
    title = "[ERROR]"
    if error["errorType"]:
        title += " " + error["errorType"]
    if error["errorMessage"]:
        title += (": " if error["errorType"] else " ") + error["errorMessage"]
    lines = [title, "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        for line in entry.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    # A line is a record: what reads it turns \r back.
    sys.stdout.write("\r".join(lines) + "\n")
