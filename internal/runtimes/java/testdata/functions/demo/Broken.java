package demo;

/** Cannot be made. */
public class Broken {
    public Broken() {
        throw new IllegalStateException("no database");
    }

    public String handle(Object event) {
        return "not reached";
    }
}
