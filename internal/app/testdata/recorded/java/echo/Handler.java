package echo;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

/** What functions of the recorded cases do, in Java. */
public class Handler implements RequestHandler<Map<String, Object>, Object> {
    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        if (event.containsKey("error_msg")) {
            throw new RuntimeException("Error: " + event.get("error_msg"));
        }
        Map<String, Object> ctx = new LinkedHashMap<>();
        ctx.put("function_name", context.getFunctionName());
        ctx.put("function_version", context.getFunctionVersion());
        ctx.put("invoked_function_arn", context.getInvokedFunctionArn());
        ctx.put("memory_limit_in_mb", String.valueOf(context.getMemoryLimitInMB()));
        ctx.put("aws_request_id", context.getAwsRequestId());
        ctx.put("log_group_name", context.getLogGroupName());
        ctx.put("log_stream_name", context.getLogStreamName());
        ctx.put("remaining_time_in_millis", String.valueOf(context.getRemainingTimeInMillis()));
        Map<String, Object> out = new LinkedHashMap<>();
        out.put("environment", System.getenv());
        out.put("ctx", ctx);
        return out;
    }
}
