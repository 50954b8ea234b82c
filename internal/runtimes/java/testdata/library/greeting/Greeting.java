package greeting;

/** A class that functions share. */
public class Greeting {
    public String greet(String name) {
        return "hello " + name;
    }

    /** Finds a class as frameworks do. */
    public static Class<?> named(String name) throws ReflectiveOperationException {
        return Class.forName(name, true, Thread.currentThread().getContextClassLoader());
    }
}
