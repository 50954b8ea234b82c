package rows;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Logs in many ways. */
public class Logs {
    public void logger(Object event, Context context) {
        context.getLogger().log("logged grüß\n");
        LambdaRuntime.getLogger().log("open");
        context.getLogger().log("bytes\n".getBytes(StandardCharsets.UTF_8));
    }

    public void loggerNull(Object event, Context context) {
        context.getLogger().log((String) null);
        context.getLogger().log((byte[]) null);
    }

    public void levels(Object event, Context context) {
        LambdaLogger logger = context.getLogger();
        for (LogLevel level : LogLevel.values()) {
            logger.log("at " + level + "\n", level);
        }
        logger.log("\"quoted\" <b> ü".getBytes(StandardCharsets.UTF_8), LogLevel.ERROR);
        System.out.println("printed");
    }

    public Object failsInJson(Object event) {
        throw new IllegalStateException("in JSON\nof two lines");
    }

    /** Prints as the event says. */
    public void prints(String how) throws IOException {
        switch (how) {
            case "format":
                format();
                break;
            case "trace":
                new IllegalStateException("printed", new IOException("its cause")).printStackTrace();
                break;
            case "controls":
                System.out.print("one\r\ntwo\rthree\n\n\tfour\u0000\u001b[31mred\n");
                break;
            case "bytes":
                System.out.write(new byte[] {(byte) 0xff, (byte) 0xfe, 'x', '\n'});
                break;
            case "java.util.logging":
                utilLogging();
                break;
            default:
                replaced();
        }
    }

    private static void format() {
        System.out.printf("%05d|%s|%n", 42, "x");
        System.out.println(new char[] {'c', 'h'});
        System.out.println(1.5);
        System.out.print('ü');
        System.out.println((Object) null);
        System.out.append("appended").println();
        System.out.write('w');
        System.out.flush();
    }

    private static void utilLogging() {
        Logger logger = Logger.getLogger("own");
        logger.setUseParentHandlers(false);
        ConsoleHandler handler = new ConsoleHandler();
        handler.setFormatter(new Formatter() {
            @Override
            public String format(LogRecord r) {
                return r.getLevel() + " " + r.getMessage() + "\n";
            }
        });
        logger.addHandler(handler);
        logger.warning("warned");
        logger.fine("hidden");
    }

    private static void replaced() {
        PrintStream before = System.out;
        System.setOut(new PrintStream(before) {
            @Override
            public void println(String text) {
                super.println("replaced " + text);
            }
        });
        System.out.println("line");
        System.setOut(before);
    }

    public int reads(Object event) throws IOException {
        return System.in.read();
    }
}
