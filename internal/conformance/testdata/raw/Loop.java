import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** The Runtime API over a socket, and nothing else: each event is its own answer. */
public final class Loop {
    private static InputStream in;
    private static OutputStream out;
    private static String head;

    public static void main(String[] args) throws Exception {
        String api = System.getenv("AWS_LAMBDA_RUNTIME_API");
        int colon = api.indexOf(':');
        Socket socket = new Socket(api.substring(0, colon), Integer.parseInt(api.substring(colon + 1)));
        socket.setTcpNoDelay(true);
        in = socket.getInputStream();
        out = socket.getOutputStream();
        String host = " HTTP/1.1\r\nHost: ".concat(api).concat("\r\n");
        String prefix = " /2018-06-01/runtime/invocation/";
        while (true) {
            String body = exchange("GET".concat(prefix).concat("next").concat(host).concat("\r\n"));
            String id = header("lambda-runtime-aws-request-id: ");
            exchange("POST".concat(prefix).concat(id).concat("/response").concat(host)
                .concat("Content-Length: ").concat(Integer.toString(body.length())).concat("\r\n\r\n").concat(body));
        }
    }

    private static String exchange(String request) throws Exception {
        out.write(request.getBytes(StandardCharsets.ISO_8859_1));
        byte[] buffer = new byte[65536];
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        while (true) {
            int n = in.read(buffer);
            if (n < 0) {
                System.exit(1);
            }
            data.write(buffer, 0, n);
            String text = new String(data.toByteArray(), StandardCharsets.ISO_8859_1);
            int end = text.indexOf("\r\n\r\n");
            if (end < 0) {
                continue;
            }
            head = text.substring(0, end + 2);
            int length = Integer.parseInt(header("content-length: "));
            if (text.length() >= end + 4 + length) {
                return text.substring(end + 4);
            }
        }
    }

    private static String header(String name) {
        int at = head.toLowerCase().indexOf(name) + name.length();
        return head.substring(at, head.indexOf("\r\n", at));
    }
}
