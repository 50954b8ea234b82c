"""A module whose members are made when somebody asks."""


def __getattr__(name):
    if name == "handler":
        return lambda event, context: "lazy"
    if name == "broken":
        raise ValueError("lazily")
    raise AttributeError(name)
