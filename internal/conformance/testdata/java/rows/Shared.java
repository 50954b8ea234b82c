package rows;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** The handlers of the rows that all languages have; each method is named for its row. */
public class Shared {
    private static int count;

    /** An error of the function's own. */
    public static class OwnError extends RuntimeException {
        OwnError(String message) {
            super(message);
        }
    }

    public Object echo(Object event) {
        return event;
    }

    public Object returnsNull(Object event) {
        return null;
    }

    public boolean returnsTrue(Object event) {
        return true;
    }

    public int returnsInteger(Object event) {
        return 42;
    }

    public Integer returnsNegative(Object event) {
        return -7;
    }

    public double returnsFraction(Object event) {
        return 0.1;
    }

    public String returnsText(Object event) {
        return "text";
    }

    public String returnsEmptyText(Object event) {
        return "";
    }

    public String returnsUnicode(Object event) {
        return "ü 日 😀\n";
    }

    public List<String> returnsEmptyList(Object event) {
        return Collections.emptyList();
    }

    public List<Object> returnsList(Object event) {
        return Arrays.asList(1, "two", null, true);
    }

    public Map<String, Object> returnsEmptyObject(Object event) {
        return Collections.emptyMap();
    }

    public Map<String, Object> returnsNested(Object event) {
        return Map.of("a", Map.of("b", Map.of("c", List.of(Map.of("d", 1)))));
    }

    public String returnsLong(Object event) {
        return "x".repeat(1_000_000);
    }

    public String returnsLargest(Object event) {
        return "x".repeat(6 * 1024 * 1024 + 100 - 2);
    }

    public String returnsTooMuch(Object event) {
        return "x".repeat(6 * 1024 * 1024 + 100 - 1);
    }

    public int counts(Object event) {
        return ++count;
    }

    public Object returnsBigInteger(Map<String, Object> event) {
        return event.get("n");
    }

    public String sleeps(Object event) throws InterruptedException {
        Thread.sleep(50);
        return "slept";
    }

    public Object fails(Object event) {
        throw new IllegalStateException("boom");
    }

    public Object failsWithOwnType(Object event) {
        throw new OwnError("own");
    }

    public Object failsWithUnicode(Object event) {
        throw new IllegalStateException("über 日本 😀");
    }

    public Object failsWithLines(Object event) {
        throw new IllegalStateException("first\nsecond");
    }

    public Object failsWithCause(Object event) {
        throw new IllegalStateException("outer", new IllegalArgumentException("inner"));
    }

    public Object failsWithLongMessage(Object event) {
        throw new IllegalStateException("m".repeat(100_000));
    }

    public Object failsDeep(Object event) {
        return deep();
    }

    private static Object deep() {
        return deeper();
    }

    private static Object deeper() {
        return deepest();
    }

    private static Object deepest() {
        throw new IllegalStateException("deep down");
    }

    public String failsOnce(Map<String, Object> event) {
        if (Boolean.TRUE.equals(event.get("fail"))) {
            throw new IllegalStateException("once");
        }
        return "fine";
    }

    public Object failsAfterOutput(Object event) {
        System.out.println("before");
        throw new IllegalStateException("after");
    }

    public void prints(Object event) {
        System.out.println("a line");
    }

    public void printsToStderr(Object event) {
        System.err.println("an error line");
    }

    public void printsLines(Object event) {
        System.out.println("one\ntwo\nthree");
    }

    public void printsUnicode(Object event) {
        System.out.println("grüß 日本 😀");
    }

    public void printsWithoutEnd(Object event) {
        System.out.print("open end");
    }

    public void printsWide(Object event) {
        System.out.println("w".repeat(100_000));
    }

    public void printsMuch(Object event) {
        for (int i = 0; i < 100; i++) {
            System.out.println("l".repeat(1000) + (char) ('a' + i % 26));
        }
    }

    public void printsInTurn(Object event) {
        for (int i = 1; i <= 2; i++) {
            System.out.println("out " + i);
            System.err.println("err " + i);
        }
    }

    public void printsBeforeTimeout(Object event) throws InterruptedException {
        System.out.println("early");
        Thread.sleep(5000);
        System.out.println("never");
    }

    public void exits(Object event) {
        System.exit(0);
    }

    public void exitsWith3(Object event) {
        System.exit(3);
    }

    public void exitsWith255(Object event) {
        System.exit(255);
    }

    public void killed(Object event) throws Exception {
        signal("KILL");
    }

    public void terminatedWith143(Object event) throws Exception {
        signal("TERM");
    }

    private static void signal(String name) throws Exception {
        String pid = new File("/proc/self").getCanonicalFile().getName();
        new ProcessBuilder("sh", "-c", "kill -" + name + " " + pid).start().waitFor();
        Thread.sleep(5000);
    }

    public void exitsAfterOutput(Object event) {
        System.out.println("last words");
        System.exit(5);
    }

    public String exitsOnce(Map<String, Object> event) {
        if (Boolean.TRUE.equals(event.get("exit"))) {
            System.exit(6);
        }
        return "fine";
    }

    public void timesOut(Object event) throws InterruptedException {
        Thread.sleep(5000);
    }

    public long timesOutBusy(Object event) {
        long end = System.nanoTime() + 5_000_000_000L;
        long rounds = 0;
        while (System.nanoTime() < end) {
            rounds++;
        }
        return rounds;
    }

    public String requestId(Object event, Context context) {
        return context.getAwsRequestId();
    }

    public String functionName(Object event, Context context) {
        return context.getFunctionName();
    }

    public String functionVersion(Object event, Context context) {
        return context.getFunctionVersion();
    }

    public int memoryLimit(Object event, Context context) {
        return context.getMemoryLimitInMB();
    }

    public String logGroup(Object event, Context context) {
        return context.getLogGroupName();
    }

    public String arn(Object event, Context context) {
        return context.getInvokedFunctionArn();
    }

    public boolean remainingTime(Object event, Context context) {
        int left = context.getRemainingTimeInMillis();
        return left > 10_000 && left <= 20_000;
    }

    public String clientContext(Object event, Context context) {
        return context.getClientContext().getCustom().get("key");
    }

    public List<String> clientContextParts(Object event, Context context) {
        ClientContext client = context.getClientContext();
        return List.of(client.getClient().getAppTitle(), client.getEnvironment().get("locale"));
    }

    public Object withoutClientContext(Object event, Context context) {
        return context.getClientContext();
    }

    public List<String> cognitoIdentity(Object event, Context context) {
        return List.of(context.getIdentity().getIdentityId(), context.getIdentity().getIdentityPoolId());
    }

    public String traceId(Object event) {
        return System.getProperty("com.amazonaws.xray.traceHeader");
    }

    public String tenantId(Object event, Context context) {
        return context.getTenantId();
    }

    public String variable(Object event) {
        return System.getenv("OWN");
    }

    public String workingFolder(Object event) {
        return System.getProperty("user.dir");
    }

    public String region(Object event) {
        return System.getenv("AWS_REGION");
    }

    public void streams(InputStream in, OutputStream out) throws Exception {
        for (String part : List.of("one,", "two,", "three")) {
            out.write(part.getBytes(StandardCharsets.UTF_8));
            Thread.sleep(20);
        }
    }

    public void streamsNothing(InputStream in, OutputStream out) {
    }

    public void streamsMuch(InputStream in, OutputStream out) throws IOException {
        byte[] part = "s".repeat(1000).getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 1000; i++) {
            out.write(part);
        }
    }

    public void streamsBytes(InputStream in, OutputStream out) throws IOException {
        out.write(new byte[] {0, (byte) 0xff, (byte) 0xfe});
    }

    public void streamsAndFails(InputStream in, OutputStream out) throws IOException {
        out.write("half".getBytes(StandardCharsets.UTF_8));
        throw new IOException("broken");
    }

    public Object meets(Object event, Context context) throws IOException, InterruptedException {
        File folder = new File(System.getenv("MEET"));
        new File(folder, context.getAwsRequestId()).createNewFile();
        while (folder.list().length < 2) {
            Thread.sleep(5);
        }
        return true;
    }
}
