package rows;

/** Prints when it is loaded. */
public class PrintsAtInit {
    static {
        System.out.println("loading");
    }

    public String handle(Object event) {
        return "loaded";
    }
}
