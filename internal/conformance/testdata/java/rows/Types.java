package rows;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** What events become, and what becomes of results. */
public class Types {
    /** A few words. */
    public enum Colour {
        RED,
        GREEN
    }

    /** Fields without methods. */
    public static class Fields {
        public String text = "t";
        public Integer none;
        public transient String passing = "p";
        protected String inner = "i";
        public Colour colour = Colour.GREEN;
    }

    /** A record. */
    public record Point(int x, int y) {}

    /** Fails when it is read. */
    public static class Failing {
        public String getValue() {
            throw new IllegalStateException("no value");
        }
    }

    /** Has nothing that could be read. */
    public static class Empty {}

    /** Contains itself. */
    public static class Cycle {
        public Cycle getSelf() {
            return this;
        }
    }

    public String takesText(String event) {
        return "<" + event + ">";
    }

    public int takesInt(int event) {
        return event + 1;
    }

    public Long takesLong(Long event) {
        return event;
    }

    public boolean takesBoolean(boolean event) {
        return !event;
    }

    public String takesBytes(byte[] event) {
        return event.length + " bytes";
    }

    public String takesEnum(Colour event) {
        return event.name().toLowerCase();
    }

    public int takesArray(int[] event) {
        return event[0] + event[1];
    }

    public String takesFields(Fields event) {
        return event.text + event.none + event.colour;
    }

    public Point takesRecord(Point event) {
        return new Point(event.y(), event.x());
    }

    public String takesClasses(Object event) {
        return event == null ? "null" : event.getClass().getName();
    }

    public String takesNumbers(Map<String, Object> event) {
        StringBuilder told = new StringBuilder();
        for (Map.Entry<String, Object> e : event.entrySet()) {
            told.append(e.getKey()).append(' ').append(e.getValue().getClass().getSimpleName()).append(' ');
        }
        return told.toString();
    }

    public String takesInstant(Instant event) {
        return event.toString();
    }

    /** Returns what the event names. */
    public Object returns(String which) {
        Map<Object, Object> all = new LinkedHashMap<>();
        switch (which) {
            case "fields":
                return new Fields();
            case "numbers":
                return List.of(new BigDecimal("1.10"), new BigInteger("123456789012345678901234567890"), 1.5f, 1e300, Long.MAX_VALUE, 'c', (short) 2);
            case "nan":
                return Double.NaN;
            case "bytes":
                return new byte[] {1, 2, 3};
            case "date":
                return new Date(0);
            case "instant":
                return Instant.ofEpochSecond(1, 500_000_000);
            case "day":
                return LocalDate.of(2024, 2, 29);
            case "duration":
                return Duration.ofSeconds(90);
            case "optional":
                return List.of(Optional.of("value"), Optional.empty());
            case "enums":
                all.put(Colour.RED, new TreeSet<>(List.of(Colour.GREEN, Colour.RED)));
                return all;
            case "uuid":
                return new UUID(1, 2);
            case "number as key":
                all.put(7, "x");
                return all;
            case "null as key":
                all.put(null, "x");
                return all;
            case "record":
                return new Point(1, 2);
            case "stream":
                return Stream.of("a");
            case "builder":
                return new StringBuilder("built");
            case "class":
                return String.class;
            case "error":
                return new OwnError();
            case "empty bean":
                return new Empty();
            case "failing bean":
                return new Failing();
            default:
                return new Cycle();
        }
    }

    /** An error without a trace. */
    public static class OwnError extends Exception {
        OwnError() {
            super("returned, not thrown", null, false, false);
        }
    }

    public CompletableFuture<String> returnsFuture() {
        return CompletableFuture.completedFuture("done");
    }

    public String returnsFarTooMuch() {
        return "x".repeat(30 << 20);
    }

    public Iterable<String> returnsIterable() {
        return List.of("a", "b");
    }

    public Optional<String> returnsOptional() {
        return Optional.of("o");
    }

    public Void returnsVoid() {
        return null;
    }
}
