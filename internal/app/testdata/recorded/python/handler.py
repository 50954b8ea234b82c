"""What functions of the recorded cases do, in Python."""
import os
import sys
import time


def handler(event, context):
    if "error_msg" in event:
        raise Exception("Failed: " + event["error_msg"])
    return {
        "environment": dict(os.environ),
        "ctx": {
            "function_name": context.function_name,
            "function_version": context.function_version,
            "invoked_function_arn": context.invoked_function_arn,
            "memory_limit_in_mb": context.memory_limit_in_mb,
            "aws_request_id": context.aws_request_id,
            "log_group_name": context.log_group_name,
            "log_stream_name": context.log_stream_name,
            "remaining_time_in_millis": str(context.get_remaining_time_in_millis()),
        },
    }


def nothing(event, context):
    pass


def exits(event, context):
    sys.exit(0)


def sleeps(event, context):
    time.sleep(10)


def large(event, context):
    return "x" * (6 * 1024 * 1024 + 100)
