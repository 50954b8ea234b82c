import loading.recursive_too

loading.recursive_too.name


def handler(event, context):
    return 1
