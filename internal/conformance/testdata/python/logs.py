"""Handlers that log."""
import asyncio
import datetime
import io
import logging
import logging.config
import sys
import threading
import warnings
from contextlib import redirect_stdout
from decimal import Decimal

log = logging.getLogger("mine")
logging.getLogger().warning("at init")


def levels(event, context):
    for name in ("debug", "info", "warning", "error", "critical"):
        getattr(log, name)("a %s", name)
    log.log(35, "between")
    log.log(5, "low")
    log.log(60, "high")


def root_levels(event, context):
    logging.debug("debug")
    logging.info("info")
    logging.warning("warning")
    logging.fatal("fatal")


def sets_level(event, context):
    logging.getLogger().setLevel(logging.INFO)
    log.info("now shown")
    log.debug("not shown")


def level_names(event, context):
    root = logging.getLogger()
    return [logging.getLevelName(root.level), log.isEnabledFor(logging.INFO), root.hasHandlers()]


def handlers(event, context):
    handler = logging.getLogger().handlers[0]
    return [type(handler).__name__, type(handler.formatter).__name__, [type(f).__name__ for f in handler.filters], handler.level]


def lines(event, context):
    log.warning("one\ntwo\r\nthree\rfour")


def unicode(event, context):
    log.warning("grüß 日本 😀 \x00\x1f")


def arguments(event, context):
    log.warning("%s is %d of %.2f and %r", "it", 1, 2.5, None)
    log.warning("%(a)s and %(b)s", {"a": 1, "b": 2})
    log.warning("100% sure")


def bad_arguments(event, context):
    try:
        log.warning("%d", "text")
    except TypeError as error:
        return "raises " + type(error).__name__


def objects(event, context):
    log.warning({"a": 1, "b": [None, True], "c": "é"})
    log.warning(["a", 1])
    log.warning(12)
    log.warning(None)
    log.warning(ValueError("an error"))


def object_with_odd_values(event, context):
    log.warning({"at": datetime.date(2024, 2, 29), "set": {1}, "n": Decimal("1.5")})


def exception(event, context):
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("caught")


def exception_in_depth(event, context):
    def deeper():
        try:
            {}["k"]
        except KeyError as cause:
            raise ValueError("é") from cause

    try:
        deeper()
    except ValueError:
        log.exception("caught %s", "it")


def exception_object(event, context):
    log.error("failed", exc_info=ValueError("not raised"))


def exc_info_without_error(event, context):
    try:
        log.error("nothing", exc_info=True)
    except Exception as error:
        return repr(error)


def stack_info(event, context):
    def here():
        log.warning("where", stack_info=True)

    here()


def extra(event, context):
    log.warning("with extra", extra={"a": 1, "b": {"c": [2]}, "d": None, "e": "é"})


def odd_extra(event, context):
    log.warning("odd", extra={"at": datetime.date(2024, 2, 29), "set": {1}, "n": Decimal("1.5"), "level": "own", "requestId": "own"})


def request_id_in_extra(event, context):
    log.warning("own", extra={"aws_request_id": "own", "tenant_id": "own"})


def in_thread(event, context):
    thread = threading.Thread(target=log.warning, args=("from a thread",), name="named")
    thread.start()
    thread.join()


def in_task(event, context):
    async def work():
        log.warning("from a task")

    asyncio.run(work())


def by_print(event, context):
    print("printed", {"a": 1})
    print('{"already": "json"}')
    print("err", file=sys.stderr)


def by_warnings(event, context):
    warnings.simplefilter("always")
    warnings.warn("careful")
    warnings.warn("old", DeprecationWarning)


def captured_warnings(event, context):
    warnings.simplefilter("always")
    logging.captureWarnings(True)
    warnings.warn("captured")


def basic_config(event, context):
    logging.basicConfig(level=logging.DEBUG, format="own %(message)s")
    logging.info("not shown")
    logging.warning("AWS's")


def forced_basic_config(event, context):
    logging.basicConfig(level=logging.DEBUG, format="own %(levelname)s %(message)s", force=True)
    logging.debug("shown")


def own_formatter(event, context):
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("own %(aws_request_id)s %(levelname)s %(message)s|"))
    log.warning("one")
    log.warning("two")
    print()


def own_handler(event, context):
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("own %(message)s"))
    other = logging.getLogger("other")
    other.addHandler(handler)
    other.warning("twice")
    other.removeHandler(handler)


def own_handler_without_propagation(event, context):
    handler = logging.StreamHandler()
    other = logging.getLogger("alone")
    other.propagate = False
    other.addHandler(handler)
    other.warning("once")
    other.removeHandler(handler)


def without_handlers(event, context):
    logging.getLogger().handlers.clear()
    log.warning("last resort")


def dict_config(event, context):
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"f": {"format": "%(levelname)s:%(name)s:%(message)s"}},
        "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f", "stream": "ext://sys.stdout"}},
        "root": {"handlers": ["h"], "level": "INFO"},
    })
    log.info("configured")


def utc(event, context):
    return logging.Formatter.converter(0).tm_hour


def fails(event, context):
    raise ValueError("grüß\nGott")


def fails_with_unicode_source(event, context):
    raise ValueError("日")  # größer


def redirected(event, context):
    text = io.StringIO()
    with redirect_stdout(text):
        print("kept")
        log.warning("kept, too")
    return text.getvalue().count("kept")


def by_context(event, context):
    context.log("one")
    context.log("two\n")
    context.log(3)
    context.log({"a": None})
    context.log("\n")


def by_context_without_handlers(event, context):
    logging.getLogger().handlers.clear()
    context.log("raw\n")


def mixed(event, context):
    print("1 printed")
    log.warning("2 logged")
    print("3 to stderr", file=sys.stderr)
    context.log("4 by context\n")
    sys.stdout.write("5 written\n")
    log.error("6 logged")


def child(event, context):
    logging.getLogger("a.b.c").warning("child")
    logging.getLogger("a").setLevel(logging.ERROR)
    logging.getLogger("a.b.c").warning("hidden")


def own_level(event, context):
    logging.addLevelName(25, "NOTICE")
    log.setLevel(1)
    log.log(25, "notice")


def adapter(event, context):
    logging.LoggerAdapter(log, {"tenant": "t"}).warning("adapted")


def own_filter(event, context):
    def add(record):
        record.added = "yes"
        return True

    log.addFilter(add)
    log.warning("filtered")
    log.removeFilter(add)


def disabled(event, context):
    logging.disable(logging.WARNING)
    log.warning("hidden")
    log.error("shown")
    logging.disable(logging.NOTSET)
