"""Handlers that fail, each in another way."""
import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

from sub import trouble


def no_message(event, context):
    raise Exception()


def class_only(event, context):
    raise ValueError


def key_error(event, context):
    return event["missing"]


def attribute_error(event, context):
    return context.nothing


def type_error(event, context):
    return 1 + "1"


def name_error(event, context):
    return unknown


def assertion(event, context):
    assert event.get("ok"), "not ok"


def bare_assertion(event, context):
    assert event.get("ok")


def number_message(event, context):
    raise Exception(12)


def two_messages(event, context):
    raise Exception("one", 2)


def os_error(event, context):
    open("/no/such/file")


def unicode_error(event, context):
    b"\xff".decode()


def json_error(event, context):
    json.loads("{")


def import_error(event, context):
    import no_such_module


def import_name_error(event, context):
    from json import no_such_name


def imports_syntax_error(event, context):
    import deps.broken


def imports_failing_module(event, context):
    import deps.failing


def evaluates_syntax_error(event, context):
    eval("1 +")


def runs_text(event, context):
    exec("def f():\n    raise ValueError('in text')\nf()")


def nested_module(event, context):
    trouble.raise_here()


class Outer:
    class Inner(Exception):
        pass


def nested_class(event, context):
    raise Outer.Inner("nested")


def local_class(event, context):
    class Local(Exception):
        pass

    raise Local("local")


Renamed = type("Größe-1", (Exception,), {})


def unicode_class(event, context):
    raise Renamed("named")


class Described(Exception):
    def __str__(self):
        return "described"


def own_str(event, context):
    raise Described("hidden")


class Silent(Exception):
    def __str__(self):
        raise ValueError("no text")


def failing_str(event, context):
    raise Silent()


class Fields(Exception):
    def __init__(self, code, detail):
        self.code = code
        self.detail = detail


def fields(event, context):
    raise Fields(7, {"a": 1})


def context_chain(event, context):
    try:
        1 / 0
    except ZeroDivisionError:
        raise RuntimeError("second")


def from_none(event, context):
    try:
        1 / 0
    except ZeroDivisionError:
        raise RuntimeError("alone") from None


def raised_again(event, context):
    try:
        trouble.raise_here()
    except ValueError:
        raise


def without_traceback(event, context):
    try:
        trouble.raise_here()
    except ValueError as error:
        raise error.with_traceback(None)


def in_finally(event, context):
    try:
        raise ValueError("first")
    finally:
        raise ValueError("in finally")


def with_note(event, context):
    error = ValueError("noted")
    if hasattr(error, "add_note"):
        error.add_note("the note")
    raise error


def group(event, context):
    if sys.version_info < (3, 11):
        raise ValueError("several (2 sub-exceptions)")
    raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])


def recursion(event, context):
    return recursion(event, context)


def some_recursion(event, context):
    def down(n):
        if n == 0:
            raise ValueError("at the bottom")
        down(n - 1)

    down(20)


def several_lines(event, context):
    return dict(
        a=1,
        b=trouble.raise_with(
            "over lines",
        ),
    )


def traced(function):
    @wraps(function)
    def wrapper(event, context):
        return function(event, context)

    return wrapper


@traced
def decorated(event, context):
    raise ValueError("decorated")


as_lambda = lambda event, context: event["missing"]


def in_generator(event, context):
    def numbers():
        yield 1
        raise ValueError("generated")

    return list(numbers())


def in_comprehension(event, context):
    return [1 / n for n in (1, 0)]


def in_future(event, context):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(trouble.raise_here).result()


async def fail_later():
    await asyncio.sleep(0)
    raise ValueError("awaited")


def in_coroutine(event, context):
    return asyncio.run(fail_later())


class Callable:
    def __call__(self, event, context):
        raise ValueError("called")


in_callable = Callable()


def carriage_returns(event, context):
    raise ValueError("one\r\ntwo\rthree\n\n  four\u00a0five\tsix\u2028seven")


def controls(event, context):
    raise ValueError("\x00\x1b[31m\x85")


def half_a_pair(event, context):
    raise ValueError("half \ud83d")


def stop_iteration(event, context):
    return next(iter([]))


def timeout(event, context):
    raise TimeoutError("too late")


def decimal_signal(event, context):
    from decimal import Decimal

    return Decimal(1) / Decimal(0)


def spaces_in_source(event, context):
    if event is not None:
        if context is not None:
                    raise ValueError("deeply indented")


def empty_lines_in_source(event, context):
    exec(compile("\n\n\nraise ValueError('no source')", "/var/task/gone.py", "exec"))
