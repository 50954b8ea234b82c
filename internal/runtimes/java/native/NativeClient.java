package com.amazonaws.services.lambda.runtime.api.client.runtimeapi;

import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.dto.InvocationRequest;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Asks the Runtime API for events and posts answers, where AWS's client has no native library for it. Its static
 * methods are those that the client calls; an object is a connection, of which each thread has its own. It speaks HTTP
 * itself: Java's own client for it takes much longer to start and for each event.
 */
class NativeClient {
    private static final int NO_ANSWER = -1; // as the library says it: the request has not come through
    private static final int TOGETHER = 1 << 16; // a payload up to this size goes out with its head

    private static final ThreadLocal<NativeClient> CONNECTIONS = new ThreadLocal<>();
    private static String api;

    private final byte[] buffer = new byte[1 << 13];
    private int at;
    private int end;
    private Socket socket; // null when there is no connection
    private InputStream in;
    private OutputStream out;

    // The last answer.
    private int status;
    private final Map<String, String> fields = new HashMap<>(); // by names in lower case
    private byte[] body;

    /** Names the Runtime API's address, host and port. */
    static void init(String address) {
        api = address;
    }

    /** Waits for the next event, however long that takes. */
    static InvocationRequest next() {
        NativeClient c = connection();
        try {
            c.exchange("GET", "next", null);
        } catch (IOException e) {
            complain("Failed to get next invocation. No Response from endpoint");
            throw new LambdaRuntimeClientException("Failed to get next.", NO_ANSWER);
        }
        if (c.status != 200) {
            complain("Failed to get next invocation. Http Response code: " + c.status);
            throw new LambdaRuntimeClientException("Failed to get next.", c.status);
        }
        InvocationRequest request = new InvocationRequest();
        request.setId(c.fields.get("lambda-runtime-aws-request-id"));
        request.setXrayTraceId(c.fields.get("lambda-runtime-trace-id"));
        request.setInvokedFunctionArn(c.fields.get("lambda-runtime-invoked-function-arn"));
        String deadline = c.fields.get("lambda-runtime-deadline-ms");
        request.setDeadlineTimeInMs(deadline == null ? 0 : Long.parseLong(deadline));
        request.setClientContext(c.fields.get("lambda-runtime-client-context"));
        request.setCognitoIdentity(c.fields.get("lambda-runtime-cognito-identity"));
        request.setTenantId(c.fields.get("lambda-runtime-aws-tenant-id"));
        request.setContent(c.body);
        c.body = null; // the event is the function's to keep or to forget
        return request;
    }

    /** Posts the answer to an event. */
    static void postInvocationResponse(byte[] requestId, byte[] response) {
        NativeClient c = connection();
        int status = NO_ANSWER;
        try {
            c.exchange("POST", new String(requestId, StandardCharsets.UTF_8) + "/response", response);
            status = c.status;
        } catch (IOException e) {
            // The caller is told, as by the library.
        }
        if (status < 200 || status > 299) {
            if (status != NO_ANSWER) {
                String told = new String(c.body, StandardCharsets.UTF_8);
                complain("Failed to post handler success response. Http response code: " + status + ". " + told);
            }
            throw new LambdaRuntimeClientException("Failed to post invocation response.", status);
        }
    }

    /** Says what has gone wrong where the library says it: on the process's own output, whatever the function has put in its place. */
    private static void complain(String message) {
        byte[] line = ("[ERROR] [" + System.currentTimeMillis() + "] LAMBDA_RUNTIME " + message + "\n").getBytes(StandardCharsets.UTF_8);
        try {
            new FileOutputStream(FileDescriptor.out).write(line);
        } catch (IOException e) {
            // Nobody hears it.
        }
    }

    private static NativeClient connection() {
        NativeClient c = CONNECTIONS.get();
        if (c == null) {
            c = new NativeClient();
            CONNECTIONS.set(c);
        }
        return c;
    }

    /** Sends a request and takes its answer. */
    private void exchange(String method, String path, byte[] payload) throws IOException {
        boolean kept = socket != null;
        try {
            attempt(method, path, payload);
        } catch (IOException e) {
            close();
            // A connection that was kept may have been closed meanwhile. No answer is posted twice.
            if (!kept || payload != null) {
                throw e;
            }
            try {
                attempt(method, path, payload);
            } catch (IOException again) {
                close();
                throw again;
            }
        }
    }

    private void attempt(String method, String path, byte[] payload) throws IOException {
        if (socket == null) {
            connect();
        }
        String head = method + " /2018-06-01/runtime/invocation/" + path + " HTTP/1.1\r\nHost: " + api
            + "\r\nUser-Agent: " + LambdaRuntimeApiClientImpl.USER_AGENT;
        if (payload != null) {
            head += "\r\nContent-Type: application/json\r\nContent-Length: " + payload.length;
        }
        send((head + "\r\n\r\n").getBytes(StandardCharsets.UTF_8), payload);
        receive();
    }

    private void connect() throws IOException {
        int colon = api.lastIndexOf(':');
        String host = api.substring(0, colon);
        if (host.startsWith("[")) {
            host = host.substring(1, host.length() - 1);
        }
        Socket fresh = new Socket(Proxy.NO_PROXY);
        socket = fresh;
        fresh.connect(new InetSocketAddress(host, Integer.parseInt(api.substring(colon + 1))));
        fresh.setTcpNoDelay(true);
        in = fresh.getInputStream();
        out = fresh.getOutputStream();
        at = 0;
        end = 0;
    }

    private void close() {
        Socket old = socket;
        socket = null;
        try {
            if (old != null) {
                old.close();
            }
        } catch (IOException e) {
            // It is of no use any more.
        }
    }

    private void send(byte[] head, byte[] payload) throws IOException {
        if (payload == null) {
            out.write(head);
            return;
        }
        if (payload.length <= TOGETHER) {
            byte[] both = new byte[head.length + payload.length];
            System.arraycopy(head, 0, both, 0, head.length);
            System.arraycopy(payload, 0, both, head.length, payload.length);
            out.write(both);
            return;
        }
        out.write(head);
        try {
            out.write(payload);
        } catch (IOException e) {
            // A payload that is too large is refused before all of it is read: the answer says so.
            if (in.available() == 0) {
                throw e;
            }
        }
    }

    private void receive() throws IOException {
        String[] words = line().split(" ", 3);
        if (words.length < 2 || !words[0].startsWith("HTTP/1.")) {
            throw new IOException("the answer is not HTTP");
        }
        fields.clear();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
            }
        }
        try {
            status = Integer.parseInt(words[1]);
            body = content();
        } catch (NumberFormatException e) {
            throw new IOException("the answer has a malformed number", e);
        }
        if ("close".equalsIgnoreCase(fields.get("connection"))) {
            close();
        }
    }

    /** Reads what follows an answer's head. */
    private byte[] content() throws IOException {
        if ("chunked".equalsIgnoreCase(fields.get("transfer-encoding"))) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            while (true) {
                String size = line();
                int semicolon = size.indexOf(';');
                int n = Integer.parseInt((semicolon < 0 ? size : size.substring(0, semicolon)).trim(), 16);
                if (n == 0) {
                    break;
                }
                all.write(bytes(n), 0, n);
                line();
            }
            while (!line().isEmpty()) {
                // Fields behind the content say nothing that is needed.
            }
            return all.toByteArray();
        }
        String length = fields.get("content-length");
        return bytes(length == null ? 0 : Integer.parseInt(length));
    }

    private byte[] bytes(int n) throws IOException {
        byte[] all = new byte[n];
        int have = Math.min(n, end - at);
        System.arraycopy(buffer, at, all, 0, have);
        at += have;
        while (have < n) {
            int more = in.read(all, have, n - have);
            if (more < 0) {
                throw new EOFException();
            }
            have += more;
        }
        return all;
    }

    /** Reads a line, which is UTF-8 where it is not ASCII. */
    private String line() throws IOException {
        byte[] line = new byte[128];
        int n = 0;
        while (true) {
            if (at == end) {
                at = 0;
                end = Math.max(0, in.read(buffer));
                if (end == 0) {
                    throw new EOFException();
                }
            }
            byte b = buffer[at++];
            if (b == '\n') {
                return new String(line, 0, n > 0 && line[n - 1] == '\r' ? n - 1 : n, StandardCharsets.UTF_8);
            }
            if (n == line.length) {
                line = Arrays.copyOf(line, 2 * n);
            }
            line[n++] = b;
        }
    }
}
