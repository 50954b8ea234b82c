import os


def handler(event, context):
    name = event.get("name", "world")
    print(f"greeting {name} from {context.function_name}")
    return {
        "message": f"{os.environ['GREETING']}, {name}!",
        "stage": os.environ["STAGE"],
    }
