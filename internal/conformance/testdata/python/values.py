"""Handlers whose results JSON has no word for, or more than one."""
import datetime
import decimal
import enum
import uuid
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from decimal import Decimal

Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    YES = "yes"


class Text(str):
    def __str__(self):
        return "other"


class Whole(int):
    def __repr__(self):
        return "other"


class Broken(float):
    def __repr__(self):
        return "other"


class Record:
    def _asdict(self):
        return {"as": "dict"}


class WithForJSON:
    def for_json(self):
        return "never"


class Odd:
    def _asdict(self):
        return 1


@dataclass
class Data:
    a: int = 1


def a_tuple(event, context):
    return (1, ("two", ()))


def a_named_tuple(event, context):
    return {"p": Point(1, Point(2, [Point(3, None)]))}


def with_asdict(event, context):
    return [Record()]


def with_odd_asdict(event, context):
    return [Odd()]


def with_for_json(event, context):
    return WithForJSON()


def a_set(event, context):
    return {1}


def a_frozen_set(event, context):
    return {"k": [frozenset()]}


def a_date(event, context):
    return datetime.date(2024, 2, 29)


def a_moment(event, context):
    return {"at": datetime.datetime(2024, 2, 29)}


def a_uuid(event, context):
    return uuid.UUID(int=1)


def a_data_class(event, context):
    return Data()


def an_enum(event, context):
    return Colour.RED


def number_enums(event, context):
    return [Level.HIGH, Word.YES, Whole(5), Broken(1.5), Text("text"), True]


def a_class(event, context):
    return Data


def a_function(event, context):
    return a_class


def the_context(event, context):
    return context


def a_generator(event, context):
    return (n for n in (1, 2))


def a_range(event, context):
    return range(3)


def a_view(event, context):
    return {"a": 1}.keys()


def an_iterator(event, context):
    return iter([1])


async def a_coroutine(event, context):
    return 1


async def an_async_generator(event, context):
    yield 1


def generates(event, context):
    yield 1


def decimals(event, context):
    return [Decimal("1.10"), Decimal("-0"), Decimal("1E+2"), Decimal("100000000000000000000.000000001"), {"d": Decimal(7)}]


def decimal_alone(event, context):
    return Decimal("3.14")


def decimal_nan(event, context):
    return [Decimal("NaN"), Decimal("-NaN"), Decimal("sNaN")]


def decimal_infinity(event, context):
    return [Decimal("Infinity"), Decimal("-Infinity")]


def decimal_key(event, context):
    return {Decimal(1): 1}


def floats(event, context):
    return [float("nan"), float("inf"), float("-inf"), -0.0, 1e22, 1e16, 1e-7, 123456789.123456789, 5e-324]


def whole_numbers(event, context):
    return [2**64, -(2**63), 10**30]


def huge_number(event, context):
    return 10**5000


def a_complex(event, context):
    return 1j


def raw_bytes(event, context):
    return b"\x00\xff raw"


def json_bytes(event, context):
    return b'{"a":1}'


def no_bytes(event, context):
    return b""


def nested_bytes(event, context):
    return {"a": b"text", b"k": [b"\xc3\xa9"]}


def nested_bytes_not_utf8(event, context):
    return [b"\xff"]


def a_byte_array(event, context):
    return bytearray(b"x")


def a_memory_view(event, context):
    return memoryview(b"x")


def keys(event, context):
    return {1: 1, 1.5: 2, True: 3, None: 4, "text": 5, Level.HIGH: 6, Word.YES: 7, float("inf"): 8}


def tuple_key(event, context):
    return {(1, 2): 3}


def object_key(event, context):
    return {"a": {Colour.RED: 1}}


def mappings(event, context):
    return [OrderedDict(b=1, a=2), defaultdict(list, k=[1]), Counter("aab")]


def user_dict(event, context):
    return UserDict(a=1)


def a_deque(event, context):
    return deque([1])


def circular(event, context):
    a = {}
    a["a"] = [a]
    return a


def shared_twice(event, context):
    a = [1]
    return [a, a, {"a": a}]


def too_deep(event, context):
    a = []
    for _ in range(100_000):
        a = [a]
    return a


def rather_deep(event, context):
    a = {}
    for _ in range(300):
        a = {"a": [a]}
    return a


def separators(event, context):
    return {"a": [1, {"b": 2}], "c": {}, "d": []}


def escapes(event, context):
    return '"\\/\b\f\n\r\t\x00\x1f\x7f\x80\u2028\u2029\ufeff\uffff</script>é😀'


def unicode_key(event, context):
    return {"é\n": "日"}


def half_a_pair(event, context):
    return "half \ud83d"


def half_a_pair_in_key(event, context):
    return {"\udc00": 1}


class Handler:
    def __call__(self, event, context):
        return type(self).__name__

    def method(self, event, context):
        return "method"

    @classmethod
    def of_class(cls, event, context):
        return cls.__name__

    @staticmethod
    def static(event, context):
        return "static"


callable_object = Handler()
bound_method = Handler().method
class_method = Handler.of_class
static_method = Handler.static
a_lambda = lambda event, context: "lambda"


class Made:
    def __init__(self, event, context):
        pass


def defaults(event, context=None, *more, **named):
    return [context is None, len(more), len(named)]


def star(*arguments):
    return len(arguments)


def one_argument(event):
    return event


def no_argument():
    return None


def three_arguments(event, context, callback):
    return None


def keyword_only(event, *, context):
    return None


a_number = 42
nothing = None


def event_types(event, context):
    return [type(value).__name__ for value in event]


def event_numbers(event, context):
    return [repr(value) for value in event]


def event_order(event, context):
    return list(event.items())


def changed_event(event, context):
    event["seen"] = event.get("seen", 0) + 1
    return event


def decimal_context(event, context):
    decimal.getcontext().prec = 3
    return Decimal(1) / 3
