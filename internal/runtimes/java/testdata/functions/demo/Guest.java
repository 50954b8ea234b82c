package demo;

import greeting.Greeting;

/** Needs a class of another jar, which in turn looks for one of this code. */
public class Guest {
    public String handle(String name) throws ReflectiveOperationException {
        return new Greeting().greet(name) + " " + Greeting.named("demo.Guest").getSimpleName();
    }
}
