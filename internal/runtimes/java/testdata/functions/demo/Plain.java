package demo;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.File;
import java.nio.charset.Charset;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Has methods that no interface asks for. */
public class Plain {
    public Map<String, Object> echo(Map<String, Object> event) {
        event.put("seen", true);
        return event;
    }

    public static String text(String event) {
        return event.toUpperCase();
    }

    public void nothing() {
        System.out.println("out é");
        System.err.println("err");
    }

    public Map<String, Object> context(Object event, Context context) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("id", context.getAwsRequestId());
        told.put("name", context.getFunctionName());
        told.put("arn", context.getInvokedFunctionArn());
        told.put("memory", context.getMemoryLimitInMB());
        told.put("left", context.getRemainingTimeInMillis() > 5000);
        told.put("client", context.getClientContext() == null ? null : context.getClientContext().getCustom());
        told.put("tenant", context.getTenantId());
        told.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        context.getLogger().log("logged\n");
        return told;
    }

    public Map<String, Object> machine(Object event) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("heap", Runtime.getRuntime().maxMemory() >> 20);
        told.put("option", System.getProperty("option"));
        told.put("folder", System.getProperty("user.dir"));
        told.put("path", System.getenv("PATH"));
        told.put("runtime", System.getenv("AWS_EXECUTION_ENV"));
        return told;
    }

    public String exit(Object event) {
        System.exit(7);
        return "not reached";
    }

    public Map<String, Object> characters(Object event) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("set", Charset.defaultCharset().name());
        told.put("file", new File(System.getenv("OWN")).exists());
        told.put("bytes", "ü".getBytes().length);
        told.put("locale", Locale.getDefault().toString());
        return told;
    }

    public int overflow(Object event) {
        return deeper(0);
    }

    // On one line, and calling nothing else, so that each entry of the trace is
    // the same wherever the stack ends.
    private static int deeper(int n) { return deeper(n + 1) + 1; }
}
