// What handlers see of one invocation.
'use strict';

const { named } = require('./errors.js');

const HEADER = 'lambda-runtime-';

// begin makes an invocation the one that is traced.
function begin(headers) {
  const trace = headers[HEADER + 'trace-id'];
  if (trace) {
    process.env._X_AMZN_TRACE_ID = trace;
  } else {
    delete process.env._X_AMZN_TRACE_ID;
  }
  return id(headers);
}

// id is the invocation's part in the platform's URLs.
function id(headers) {
  return encodeURIComponent(headers[HEADER + 'aws-request-id']);
}

// fromHeaders is the part of the context that the invocation decides, in AWS's order.
function fromHeaders(headers, modern) {
  const parse = modern ? parseModern : parseClassic;
  const deadline = headers[HEADER + 'deadline-ms'];
  const context = {
    clientContext: parse(headers, 'client-context', 'ClientContext'),
    identity: parse(headers, 'cognito-identity', 'CognitoIdentity'),
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

function parseClassic(headers, header, name) {
  const text = headers[HEADER + header];
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function parseModern(headers, header) {
  const text = headers[HEADER + header];
  if (!text) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw named('PlatformError', `Failed to parse ${HEADER + header} as JSON: ${error.message}`);
  }
}

module.exports = { begin, id, fromHeaders, fromEnvironment };
