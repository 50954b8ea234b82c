/** Is in no package. */
public class Unnamed {
    public String handle(Object event) {
        return "unnamed";
    }
}
