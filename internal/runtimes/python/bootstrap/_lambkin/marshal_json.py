"""Events and results as JSON, the way AWS's runtimes write it."""
import json
import sys


class Fault(Exception):
    """Something that is not JSON, or cannot become it."""

    def __init__(self, error_type, message):
        Exception.__init__(self, message)
        self.error_type = error_type
        self.message = message


def parse(header, name):
    """Reads a header that holds JSON; None for one that is absent."""
    if not header:
        return None
    try:
        return json.loads(header)
    except Exception as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, error))


def event(body, content_type):
    if content_type != "application/json":
        return body
    try:
        return json.loads(body.decode("utf-8"))
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error)


def result(value, ascii_only, number=None):
    """Returns the bytes or the text to post and the content type. number makes
    numbers of Decimals, for a dialect that does not write them as they are."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        encoder = Encoder(ensure_ascii=ascii_only)
        encoder.number = number
        try:
            text = encoder.encode(named(value))
        except TypeError:
            text = encoder.encode(as_objects(value))  # keys may be bytes
        return encoder.finish(text), "application/json"
    except Exception as error:
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % said(error))


def said(error):
    """The error in the words of the encoder that AWS's runtimes bring."""
    text = str(error)
    if isinstance(error, RecursionError) and sys.version_info >= (3, 12):
        return text.replace("while encoding a JSON object", "while calling a Python object")
    if isinstance(error, TypeError) and text.startswith("keys must be "):
        known, word, kind = text.rpartition(" not ")
        return known + word + kind.rpartition(".")[2]
    return text


class Encoder(json.JSONEncoder):
    """Writes Decimals as the numbers and bytes as the text that they are. The encoder in C has no way
    to write a text as it is, so a Decimal goes out as a marked string first."""

    mark = None
    number = None

    def default(self, o):
        if is_decimal(o):
            if o.is_nan():
                return float("nan")
            if self.number is not None:
                return self.number(o)
            if self.mark is None:
                import os

                self.mark = "lambkin-decimal-" + "".join("%02x" % b for b in bytearray(os.urandom(16))) + ":"
            return self.mark + str(o)
        if isinstance(o, bytes):
            return o.decode("utf-8")
        fields = None if self.number is not None else as_dict(o)
        if fields is not None:
            return fields
        raise TypeError("Object of type %s is not JSON serializable" % type(o).__name__)

    def finish(self, text):
        if self.mark is None:
            return text
        import re

        return re.sub('"%s([^"]*)"' % self.mark, r"\1", text)


def as_dict(value):
    """What a value's method _asdict says, None when it has none that can be called."""
    method = getattr(value, "_asdict", None)
    if not callable(method):
        return None
    try:
        fields = method()
    except TypeError:
        return None
    if not isinstance(fields, dict):
        raise TypeError("_asdict() must return a dict, not %s" % type(fields).__name__)
    return fields


STANDARD = getattr(sys, "stdlib_module_names", frozenset(["functools", "inspect", "platform", "tokenize", "urllib.parse"]))


def named(value):
    """Makes objects of the named tuples in a result: AWS's encoder does. It is
    only looked for them when somebody has made such a class."""
    if not any(hasattr(kind, "_asdict") and kind.__module__ not in STANDARD for kind in tuple.__subclasses__()):
        return value
    try:
        return as_objects(value)
    except RecursionError:
        return value  # the encoder says it better


def as_objects(value):
    if isinstance(value, dict):
        return {as_key(key): as_objects(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return as_objects(dict(value._asdict()))
    if isinstance(value, (list, tuple)):
        return [as_objects(item) for item in value]
    return value


def as_key(key):
    return key.decode("utf-8") if isinstance(key, bytes) else key


def is_decimal(value):
    """Tells without importing decimal: who has a Decimal has imported it."""
    module = sys.modules.get("decimal")
    return module is not None and isinstance(value, module.Decimal)
