package rows;

/** Ends the process when it is loaded. */
public class ExitsAtInit {
    static {
        System.exit(4);
    }

    public String handle(Object event) {
        return "not reached";
    }
}
