package rows;

import java.util.concurrent.CountDownLatch;

/** Ends the process, or does not. */
public class Ends {
    private static int rounds;

    public Object halts() {
        Runtime.getRuntime().halt(8);
        return null;
    }

    public Object exitsWithHook() {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.exit(9);
        return null;
    }

    public Object exitsInThread() throws InterruptedException {
        new Thread(() -> System.exit(10)).start();
        Thread.sleep(5000);
        return null;
    }

    public Object exitsNegative() {
        System.exit(-1);
        return null;
    }

    public Object exitsInFinally() {
        try {
            throw new IllegalStateException("lost");
        } finally {
            System.exit(11);
        }
    }

    public int daemonGoesOn() throws InterruptedException {
        if (rounds == 0) {
            start(true);
        }
        return ++rounds;
    }

    public int threadGoesOn() throws InterruptedException {
        if (rounds == 0) {
            start(false);
        }
        return ++rounds;
    }

    private static void start(boolean daemon) throws InterruptedException {
        CountDownLatch started = new CountDownLatch(1);
        Thread thread = new Thread(() -> {
            started.countDown();
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException e) {
                System.out.println("interrupted");
            }
        });
        thread.setDaemon(daemon);
        thread.start();
        started.await();
    }
}
