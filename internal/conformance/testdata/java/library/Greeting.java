package greeting;

/** Comes in a jar of the function's folder lib. */
public class Greeting {
    public static String hello(String name) {
        return "hello " + name;
    }
}
