// What functions of the recorded cases do, in Node.js.
exports.handler = async (event, context) => {
  if (event.error_msg) throw new Error(`Error: ${event.error_msg}`);
  return {
    environment: process.env,
    ctx: {
      function_name: context.functionName,
      function_version: context.functionVersion,
      invoked_function_arn: context.invokedFunctionArn,
      aws_request_id: context.awsRequestId,
      log_group_name: context.logGroupName,
      log_stream_name: context.logStreamName,
      remaining_time_in_millis: String(context.getRemainingTimeInMillis()),
    },
  };
};
exports.logs = async (event) => {
  console.log(JSON.stringify(event));
  return {};
};
exports.context = async (event, context) => ({ context });
