package rows;

import java.util.List;

/** An event with getters and setters, and what is made of it. */
public class Order {
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

    /** An answer with getters alone. */
    public static class Receipt {
        private final int total;
        private final String note;

        public Receipt(int total, String note) {
            this.total = total;
            this.note = note;
        }

        public int getTotal() {
            return total;
        }

        public String getNote() {
            return note;
        }

        public List<String> getLines() {
            return List.of(total + " in all");
        }

        public boolean isPaid() {
            return false;
        }
    }
}
