def load():
    raise RuntimeError("the dependency does not load")


load()
