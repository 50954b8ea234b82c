class LoadError(Exception):
    pass


raise LoadError("größer\nals")
