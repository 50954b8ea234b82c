package com.amazonaws.services.lambda.runtime.api.client.runtimeapi;

import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.dto.InvocationRequest;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URL;
import java.nio.charset.StandardCharsets;

/**
 * Asks the Runtime API for events and posts answers, where AWS's client has no native library for it. Its methods are
 * those that the client calls.
 */
class NativeClient {
    private static final int NO_ANSWER = -1; // as the library says it: the request has not come through
    private static String invocations;

    /** Names the Runtime API's address, host and port. */
    static void init(String api) {
        invocations = "http://" + api + "/2018-06-01/runtime/invocation/";
    }

    /** Waits for the next event, however long that takes. */
    static InvocationRequest next() {
        try {
            HttpURLConnection connection = open("next");
            int status = connection.getResponseCode();
            if (status != HttpURLConnection.HTTP_OK) {
                drain(connection);
                complain("Failed to get next invocation. Http Response code: " + status);
                throw new LambdaRuntimeClientException("Failed to get next.", status);
            }
            InvocationRequest request = new InvocationRequest();
            request.setId(connection.getHeaderField("Lambda-Runtime-Aws-Request-Id"));
            request.setXrayTraceId(connection.getHeaderField("Lambda-Runtime-Trace-Id"));
            request.setInvokedFunctionArn(connection.getHeaderField("Lambda-Runtime-Invoked-Function-Arn"));
            request.setDeadlineTimeInMs(connection.getHeaderFieldLong("Lambda-Runtime-Deadline-Ms", 0));
            request.setClientContext(text(connection.getHeaderField("Lambda-Runtime-Client-Context")));
            request.setCognitoIdentity(text(connection.getHeaderField("Lambda-Runtime-Cognito-Identity")));
            request.setTenantId(connection.getHeaderField("Lambda-Runtime-Aws-Tenant-Id"));
            try (InputStream body = connection.getInputStream()) {
                request.setContent(all(body));
            }
            return request;
        } catch (IOException e) {
            complain("Failed to get next invocation. No Response from endpoint");
            throw new LambdaRuntimeClientException("Failed to get next.", NO_ANSWER);
        }
    }

    /** Posts the answer to an event. */
    static void postInvocationResponse(byte[] requestId, byte[] response) {
        int status;
        try {
            HttpURLConnection connection = open(new String(requestId, StandardCharsets.UTF_8) + "/response");
            connection.setRequestMethod("POST");
            connection.setRequestProperty("Content-Type", "application/json");
            connection.setDoOutput(true);
            // A known length also keeps the connection from posting twice.
            connection.setFixedLengthStreamingMode(response.length);
            try (OutputStream body = connection.getOutputStream()) {
                body.write(response);
            }
            status = connection.getResponseCode();
            String told = drain(connection);
            if (status < 200 || status > 299) {
                complain("Failed to post handler success response. Http response code: " + status + ". " + told);
            }
        } catch (IOException e) {
            status = NO_ANSWER;
        }
        if (status < 200 || status > 299) {
            throw new LambdaRuntimeClientException("Failed to post invocation response.", status);
        }
    }

    private static HttpURLConnection open(String path) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(invocations + path).openConnection(Proxy.NO_PROXY);
        connection.setRequestProperty("User-Agent", LambdaRuntimeApiClientImpl.USER_AGENT);
        return connection;
    }

    /** Header fields hold bytes; what is in these is UTF-8. */
    private static String text(String field) {
        return field == null ? null : new String(field.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
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

    /** Reads what is left of an answer, so that its connection serves the next request too. */
    private static String drain(HttpURLConnection connection) throws IOException {
        InputStream body = connection.getErrorStream();
        if (body == null) {
            body = connection.getInputStream();
        }
        try (InputStream rest = body) {
            return rest == null ? "" : new String(all(rest), StandardCharsets.UTF_8);
        }
    }

    private static byte[] all(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        for (int n = in.read(part); n >= 0; n = in.read(part)) {
            out.write(part, 0, n);
        }
        return out.toByteArray();
    }
}
