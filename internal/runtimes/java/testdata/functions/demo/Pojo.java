package demo;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Arrays;
import java.util.List;

/** Takes and gives objects of its own classes. */
public class Pojo implements RequestHandler<Pojo.Order, Pojo.Receipt> {
    public static class Order {
        private String item;
        private int count;

        public String getItem() {
            return item;
        }

        public void setItem(String item) {
            this.item = item;
        }

        public int getCount() {
            return count;
        }

        public void setCount(int count) {
            this.count = count;
        }
    }

    public static class Receipt {
        private final Order order;

        Receipt(Order order) {
            this.order = order;
        }

        public int getTotal() {
            return 3 * order.getCount();
        }

        public List<String> getLines() {
            return Arrays.asList(order.getCount() + " " + order.getItem());
        }

        public String getRemark() {
            return null;
        }
    }

    @Override
    public Receipt handleRequest(Order order, Context context) {
        if (order.getCount() < 0) {
            throw new IllegalArgumentException("count " + order.getCount(), new IllegalStateException("why"));
        }
        return new Receipt(order);
    }
}
