print("loading")


def handler(event, context):
    return "loaded"
