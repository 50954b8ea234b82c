def load():
    raise ValueError("while loading")


load()
