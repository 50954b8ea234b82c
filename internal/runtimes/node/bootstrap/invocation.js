// What handlers see of one invocation.
'use strict';

const log = require('./console.js');

const HEADER = 'lambda-runtime-';

// begin makes an invocation the current one for log lines and tracing.
function begin(headers) {
  log.current.requestId = headers[HEADER + 'aws-request-id'];
  log.current.tenantId = headers[HEADER + 'aws-tenant-id'];
  const trace = headers[HEADER + 'trace-id'];
  if (trace) {
    process.env._X_AMZN_TRACE_ID = trace;
  } else {
    delete process.env._X_AMZN_TRACE_ID;
  }
  return encodeURIComponent(log.current.requestId);
}

// fromHeaders is the part of the context that the invocation decides, in AWS's order.
function fromHeaders(headers, modern) {
  const deadline = headers[HEADER + 'deadline-ms'];
  const context = {
    clientContext: parse(headers[HEADER + 'client-context'], 'ClientContext'),
    identity: parse(headers[HEADER + 'cognito-identity'], 'CognitoIdentity'),
    invokedFunctionArn: headers[HEADER + 'invoked-function-arn'],
    awsRequestId: headers[HEADER + 'aws-request-id'],
    tenantId: headers[HEADER + 'aws-tenant-id'],
  };
  if (modern) {
    context.xRayTraceId = headers[HEADER + 'trace-id'];
  }
  context.getRemainingTimeInMillis = () => deadline - Date.now();
  return context;
}

// fromEnvironment is the part of the context that the function's configuration decides.
function fromEnvironment(modern) {
  const env = process.env;
  const name = { functionName: env.AWS_LAMBDA_FUNCTION_NAME };
  const version = { functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION };
  return Object.assign({}, modern ? name : version, modern ? version : name, {
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  });
}

function parse(text, name) {
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

module.exports = { begin, fromHeaders, fromEnvironment };
