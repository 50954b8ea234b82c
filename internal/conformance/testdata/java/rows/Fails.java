package rows;

import java.io.IOError;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;

/** Fails in many ways. */
public class Fails {
    /** Fails when an object is made. */
    public static class InConstructor {
        public InConstructor() {
            throw new IllegalStateException("no database", new IOException("refused"));
        }

        public String handle(Object event) {
            return "not reached";
        }
    }

    /** Fails when it is loaded. */
    public static class InStatic {
        static final int NUMBER = Integer.parseInt("none");

        public String handle(Object event) {
            return "not reached";
        }
    }

    /** Fails when it says why. */
    public static class Mute extends RuntimeException {
        @Override
        public String getMessage() {
            throw new IllegalStateException("mute");
        }
    }

    /** Says why in another way. */
    public static class Local extends Exception {
        Local() {
            super("plain");
        }

        @Override
        public String getLocalizedMessage() {
            return "örtlich";
        }

        @Override
        public String toString() {
            return "as text";
        }
    }

    /** Fails as the event says. */
    public Object fails(String how) throws Exception {
        switch (how) {
            case "without message":
                throw new IllegalStateException();
            case "checked":
                throw new IOException("checked");
            case "error":
                throw new AssertionError("an error");
            case "suppressed":
                Exception e = new Exception("main");
                e.addSuppressed(new IllegalStateException("first", new IOException("its cause")));
                e.addSuppressed(new IllegalArgumentException("second"));
                throw e;
            case "causes":
                Exception cause = new Exception("level 0");
                for (int i = 1; i < 5; i++) {
                    cause = new RuntimeException("level " + i, cause);
                }
                throw new IllegalStateException(cause);
            case "localized":
                throw new Local();
            case "future":
                return CompletableFuture.supplyAsync(() -> Integer.parseInt("zero")).join();
            case "nothing":
                Object[] none = {null};
                return none[0].hashCode();
            case "library":
                System.loadLibrary("nowhere");
                return null;
            case "lambda":
                Runnable fails = () -> { throw new IllegalStateException("in a lambda"); };
                fails.run();
                return null;
            case "interrupted":
                Thread.currentThread().interrupt();
                throw new InterruptedException("stopped");
            default:
                return Class.forName("rows.Nowhere");
        }
    }

    public Object mute() {
        throw new Mute();
    }

    public Object memory() {
        return new long[Integer.MAX_VALUE - 8].length;
    }

    public Object disk() {
        throw new IOError(new IOException("the disk"));
    }

    public int overflow(Object event) {
        return deeper(0);
    }

    private static int deeper(int n) { return deeper(n + 1) + 1; }

    public String inThread() throws InterruptedException {
        Thread thread = new Thread(() -> { throw new IllegalStateException("elsewhere"); }, "worker");
        thread.start();
        thread.join();
        return "fine";
    }

    public String interrupted() {
        boolean was = Thread.interrupted();
        Thread.currentThread().interrupt();
        return "was " + was;
    }
}
