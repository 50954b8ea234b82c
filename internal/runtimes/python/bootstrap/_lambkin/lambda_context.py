"""The context object that handlers get."""
import os
import sys
import time


# Where the classes are on AWS; startup.Names finds them there.
HOME = "awslambdaric.lambda_context"

W3C = ("traceparent", "tracestate", "baggage")


class LambdaContext(object):
    __module__ = HOME

    def __init__(self, headers, parse):
        environ = os.environ
        client_context = parse(headers.get("lambda-runtime-client-context"), "Client Context")
        cognito_identity = parse(headers.get("lambda-runtime-cognito-identity"), "Cognito Identity")
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id")
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self._w3c_fields = w3c(client_context)
        self.client_context = None
        if client_context is not None:
            self.client_context = fill(ClientContext(), client_context)
            if self.client_context.client is not None:
                self.client_context.client = fill(Client(), self.client_context.client)
        self.identity = CognitoIdentity()
        self.identity.cognito_identity_id = (cognito_identity or {}).get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = (cognito_identity or {}).get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms") or 0)

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self):
        return dict(self._w3c_fields)

    def log(self, msg):
        sys.stdout.write(str(msg))

    def __repr__(self):
        names = [name for name in vars(self) if not name.startswith("_") and name != "tenant_id"]
        return show(self, names + ["tenant_id"])


def w3c(client_context):
    """Takes the trace context out of the client's, where nobody is to look for it."""
    fields = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name] for name in W3C if isinstance(fields.get(name), str)}


class CognitoIdentity(object):
    __module__ = HOME
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __repr__(self):
        return show(self, self.__slots__)


class Client(object):
    __module__ = HOME
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]

    def __repr__(self):
        return show(self, self.__slots__)


class ClientContext(object):
    __module__ = HOME
    __slots__ = ["custom", "env", "client"]

    def __repr__(self):
        return show(self, self.__slots__)


def fill(target, values):
    for name in target.__slots__:
        setattr(target, name, values.get(name))
    return target


def show(value, names):
    fields = ",".join("%s=%s" % (name, getattr(value, name)) for name in names)
    return "%s([%s])" % (type(value).__name__, fields)
