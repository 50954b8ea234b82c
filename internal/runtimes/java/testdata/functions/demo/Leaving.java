package demo;

/** Ends its process while it is loaded. */
public class Leaving {
    static {
        System.exit(9);
    }

    public String handle(Object event) {
        return "not reached";
    }
}
