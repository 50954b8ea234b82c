class NestedError(ValueError):
    """An error of a module in a package."""


def raise_here():
    raise NestedError("from below")


def raise_with(message):
    raise NestedError(message)
