"""The handlers of the table that all languages share."""
import os
import sys
import time

calls = 0


def echo(event, context):
    return event


echo_null = echo_text = echo_number = echo_list = echo_unicode = echo_long = echo


def returns_null(event, context):
    return None


def returns_true(event, context):
    return True


def returns_integer(event, context):
    return 42


def returns_negative(event, context):
    return -7


def returns_fraction(event, context):
    return 0.1


def returns_text(event, context):
    return "text"


def returns_empty_text(event, context):
    return ""


def returns_unicode(event, context):
    return "ü 日 😀\n"


def returns_empty_list(event, context):
    return []


def returns_list(event, context):
    return [1, "two", None, True]


def returns_empty_object(event, context):
    return {}


def returns_nested(event, context):
    return {"a": {"b": {"c": [{"d": 1}]}}}


def returns_long(event, context):
    return "x" * 1_000_000


LARGEST = 6_291_556


def returns_largest(event, context):
    return "x" * (LARGEST - 2)


def returns_too_much(event, context):
    return "x" * (LARGEST - 1)


def counts(event, context):
    global calls
    calls += 1
    return calls


def returns_big_integer(event, context):
    return event["n"]


def sleeps(event, context):
    time.sleep(0.05)
    return "slept"


def fails(event, context):
    raise ValueError("boom")


class OwnError(Exception):
    pass


def fails_with_own_type(event, context):
    raise OwnError("own")


def fails_with_unicode(event, context):
    raise Exception("über 日本 😀")


def fails_with_lines(event, context):
    raise Exception("first\nsecond")


def fails_with_cause(event, context):
    try:
        raise KeyError("inner")
    except KeyError as inner:
        raise RuntimeError("outer") from inner


def fails_with_long_message(event, context):
    raise Exception("m" * 100_000)


def fails_deep(event, context):
    deep()


def deep():
    deeper()


def deeper():
    deepest()


def deepest():
    raise LookupError("deep down")


def fails_once(event, context):
    if event.get("fail"):
        raise Exception("once")
    return "fine"


def fails_after_output(event, context):
    print("before")
    raise Exception("after")


def prints(event, context):
    print("a line")


def prints_to_stderr(event, context):
    print("an error line", file=sys.stderr)


def prints_lines(event, context):
    print("one\ntwo")
    print("three")


def prints_unicode(event, context):
    print("grüß 日本 😀")


def prints_without_end(event, context):
    print("open end", end="")


def prints_wide(event, context):
    print("w" * 100_000)


def prints_much(event, context):
    for i in range(100):
        print("l" * 1000 + chr(ord("a") + i % 26))


def prints_in_turn(event, context):
    for i in ("1", "2"):
        print("out", i)
        print("err", i, file=sys.stderr)


def prints_before_timeout(event, context):
    print("early")
    time.sleep(5)
    print("never")


def exits(event, context):
    sys.exit(0)


def exits_with_3(event, context):
    sys.exit(3)


def exits_with_255(event, context):
    sys.exit(255)


def killed(event, context):
    os.kill(os.getpid(), 9)
    time.sleep(5)


def terminated(event, context):
    os.kill(os.getpid(), 15)
    time.sleep(5)


def exits_after_output(event, context):
    print("last words")
    sys.exit(5)


def exits_once(event, context):
    if event.get("exit"):
        sys.exit(6)
    return "fine"


def times_out(event, context):
    time.sleep(5)


def times_out_busy(event, context):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pass


def request_id(event, context):
    return context.aws_request_id


def function_name(event, context):
    return context.function_name


def function_version(event, context):
    return context.function_version


def memory_limit(event, context):
    return int(context.memory_limit_in_mb)


def log_group(event, context):
    return context.log_group_name


def arn(event, context):
    return context.invoked_function_arn


arn_with_qualifier = arn


def remaining_time(event, context):
    return 10_000 < context.get_remaining_time_in_millis() <= 20_000


def client_context(event, context):
    return context.client_context.custom["key"]


def client_context_parts(event, context):
    return [context.client_context.client.app_title, context.client_context.env["locale"]]


def without_client_context(event, context):
    return context.client_context


def cognito_identity(event, context):
    return [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id]


def trace_id(event, context):
    return os.environ["_X_AMZN_TRACE_ID"]


def tenant_id(event, context):
    return context.tenant_id


without_tenant_id = tenant_id


def variable(event, context):
    return os.environ["OWN"]


def working_folder(event, context):
    return os.getcwd()


def region(event, context):
    return os.environ["AWS_REGION"]


def meets(event, context):
    open(os.path.join(os.environ["MEET"], context.aws_request_id), "w").close()
    while len(os.listdir(os.environ["MEET"])) < 2:
        time.sleep(0.005)
    return True


def answers_late(event, context):
    if event.get("late"):
        time.sleep(1.2)
    return "in time"


def logs_its_invocation(event, context):
    import logging

    logging.getLogger().warning("logged")
