// What a handler sees of its invocation and of its process.
'use strict';

exports.request_id = async (_, context) => context.awsRequestId;
exports.function_name = async (_, context) => context.functionName;
exports.function_version = async (_, context) => context.functionVersion;
exports.memory_limit = async (_, context) => Number(context.memoryLimitInMB);
exports.log_group = async (_, context) => context.logGroupName;
exports.arn = async (_, context) => context.invokedFunctionArn;
exports.arn_with_qualifier = exports.arn;
exports.remaining_time = async (_, context) => {
  const left = context.getRemainingTimeInMillis();
  return left > 10000 && left <= 20000;
};
exports.client_context = async (_, context) => context.clientContext.custom.key;
exports.client_context_parts = async (_, context) => [context.clientContext.client.app_title, context.clientContext.env.locale];
exports.without_client_context = async (_, context) => context.clientContext;
exports.cognito_identity = async (_, context) => [context.identity.cognitoIdentityId, context.identity.cognitoIdentityPoolId];
exports.trace_id = async () => process.env._X_AMZN_TRACE_ID;
exports.tenant_id = async (_, context) => context.tenantId;
exports.without_tenant_id = exports.tenant_id;
exports.variable = async () => process.env.OWN;
exports.working_folder = async () => process.cwd();
exports.region = async () => process.env.AWS_REGION;

exports.context_members = async (_, context) => Object.entries(context).map(([key, value]) => [key, typeof value]);
exports.context_as_json = async (_, context) => context;
exports.context_is_new = async (_, context) => {
  const known = context.mark;
  context.mark = true;
  return known;
};
exports.bad_client_context = async () => 'not reached';
exports.identity_absent = async (_, context) => [typeof context.identity, 'identity' in context];
exports.arguments_given = async function () {
  return Array.from(arguments, (argument) => typeof argument);
};
exports.variables = async () => Object.keys(process.env).sort();
exports.globals = async () => {
  const fresh = require('vm').runInNewContext('Object.getOwnPropertyNames(globalThis)');
  return Reflect.ownKeys(globalThis).filter((key) => !fresh.includes(key)).map(String).sort();
};
exports.awslambda = async () => Object.keys(awslambda);
exports.main_module = async () => [typeof require.main, typeof process.mainModule];
exports.parent_module = async () => [module.id, module.paths[0], module.parent && module.parent.filename];
exports.file_names = async () => [__filename, __dirname];
exports.listeners = async () => process.eventNames().filter((name) => typeof name === 'string').sort().map((name) => [name, process.listenerCount(name)]);
exports.exit_code = async () => [typeof process.exitCode];
exports.this_is = async function () {
  return [typeof this, this && this.constructor.name];
};
exports.without_awslambda = async () => typeof globalThis.awslambda;
exports.timers_kept = async (event) => {
  if (event.begin) {
    globalThis.kept = setTimeout(() => {}, 60000);
    globalThis.kept.unref();
    return 'set';
  }
  return globalThis.kept.hasRef() === false ? 'kept' : 'lost';
};
