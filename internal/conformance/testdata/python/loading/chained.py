try:
    {}["key"]
except KeyError as error:
    raise RuntimeError("chained") from error
