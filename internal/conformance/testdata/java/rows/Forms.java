package rows;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Every form that a handler may have. */
public class Forms {
    /** Of AWS's interface for objects. */
    public static class OfOrders implements RequestHandler<Order, Order.Receipt> {
        @Override
        public Order.Receipt handleRequest(Order order, Context context) {
            return order == null ? null : new Order.Receipt(order.getCount() * 3, null);
        }
    }

    /** Has the types from a class that it extends. */
    public static class Derived extends Generic<Order, String> {
        @Override
        protected String answer(Order order) {
            return order.getItem();
        }
    }

    /** Leaves its types open. */
    public abstract static class Generic<I, O> implements RequestHandler<I, O> {
        @Override
        public O handleRequest(I input, Context context) {
            return answer(input);
        }

        protected abstract O answer(I input);
    }

    /** Names no types. */
    @SuppressWarnings("rawtypes")
    public static class Raw implements RequestHandler {
        @Override
        public Object handleRequest(Object input, Context context) {
            return input;
        }
    }

    /** Of AWS's interface for bytes. */
    public static class OfBytes implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
            out.write('<');
            in.transferTo(out);
            out.write('>');
        }
    }

    /** Has its method from an interface. */
    public static class Inheriting implements Answering {}

    /** Has a method of its own. */
    public interface Answering {
        default String answer(String event) {
            return "default " + event;
        }
    }

    /** Cannot be made without its outer object. */
    public class Inner {
        public String handle(Object event) {
            return "inner";
        }
    }

    /** Cannot be made without an argument. */
    public static class Needy {
        public Needy(String name) {}

        public String handle(Object event) {
            return "needy";
        }
    }

    /** Cannot be made. */
    public abstract static class Abstract {
        public String handle(Object event) {
            return "abstract";
        }
    }

    public static String staticMethod(String event) {
        return "static " + event;
    }

    public String withoutArguments() {
        return "nothing asked";
    }

    public String contextOnly(Context context) {
        return context.getFunctionName();
    }

    public String overloaded(String event) {
        return "without";
    }

    public String overloaded(String event, Context context) {
        return "with";
    }

    public String longest(Order event, Context context) {
        return "two";
    }

    public void longest(InputStream in, OutputStream out, Context context) throws IOException {
        write(out, "\"three\"");
    }

    public void bytesIn(InputStream in) throws IOException {
        System.out.println("got " + new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }

    public void bytesOut(OutputStream out) throws IOException {
        write(out, "\"out\"");
    }

    public String bytesAndResult(InputStream in, OutputStream out) throws IOException {
        write(out, "\"written\"");
        return "returned";
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    public String twoEvents(String first, String second) {
        return first + second;
    }

    private String hidden(String event) {
        return event;
    }

    public Map<String, List<Order.Receipt>> generic(List<Map<String, Order>> event) {
        return Map.of("receipts", List.of(new Order.Receipt(event.get(0).get("order").getCount(), "typed")));
    }

    public List<Integer> varargs(int... event) {
        return List.of(event.length);
    }
}
