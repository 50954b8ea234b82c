package rows;

import com.amazonaws.services.lambda.crac.Context;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.Resource;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.security.Security;
import java.util.List;
import java.util.TimeZone;

/** Looks at what it runs in. */
public class Machine {
    /** Is told of snapshots. */
    public static class Told implements Resource {
        private static final Told ONE = new Told();

        static {
            Core.getGlobalContext().register(ONE);
        }

        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) {
            System.out.println("before");
        }

        @Override
        public void afterRestore(Context<? extends Resource> context) {
            System.out.println("after");
        }

        public String handle(Object event) {
            return "registered";
        }
    }

    public String property() {
        return System.getProperty("own");
    }

    /** Tells what the event asks for. */
    public Object tells(String what) throws Exception {
        switch (what) {
            case "resource":
                return resource();
            case "loaders":
                return loaders();
            case "library":
                return greeting.Greeting.hello("jar");
            case "encoding":
                return List.of(Charset.defaultCharset().name(), System.getProperty("file.encoding"), "ü".getBytes().length);
            case "file":
                return new File("data/grüß.txt").exists();
            case "variable":
                return System.getenv("OWN");
            case "zone":
                return TimeZone.getDefault().getID();
            case "folders":
                return List.of(new File("").getAbsolutePath(), System.getenv("LAMBDA_TASK_ROOT"));
            case "names":
                return List.of(System.getenv("_HANDLER"), System.getenv("AWS_EXECUTION_ENV"), Thread.currentThread().getName());
            case "trace":
                return System.getenv("_X_AMZN_TRACE_ID") + System.getenv("_LAMBDA_TELEMETRY_LOG_FD");
            default:
                return Security.getProperty("networkaddress.cache.negative.ttl");
        }
    }

    private static String resource() throws IOException {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        try (BufferedReader in = new BufferedReader(new InputStreamReader(loader.getResourceAsStream("data/text.txt"), StandardCharsets.UTF_8))) {
            return in.readLine() + (Machine.class.getResource("/data/text.txt") != null);
        }
    }

    private static String loaders() {
        return Machine.class.getClassLoader().getClass().getSimpleName()
            + (Machine.class.getClassLoader() == Thread.currentThread().getContextClassLoader())
            + (com.amazonaws.services.lambda.runtime.Context.class.getClassLoader() == ClassLoader.getSystemClassLoader())
            + (Machine.class.getClassLoader().getParent() == ClassLoader.getSystemClassLoader());
    }
}
