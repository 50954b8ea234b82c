"""The Runtime API 2018-06-01 over one kept connection, without an HTTP library:
there is one request at a time, and its answer always has a Content-Length.

  GET  /runtime/invocation/next            -> 200, the event
  POST /runtime/invocation/{id}/response   -> 202
  POST /runtime/invocation/{id}/error      -> 202
  POST /runtime/init/error                 -> 202
  GET  /runtime/restore/next               -> 200, when a snapshot is restored
  POST /runtime/restore/error              -> 202
"""
import sys

# The C module is all that is needed; socket.py costs more than the rest of the start.
import _socket


class Client(object):
    def __init__(self, address, beside_others=False):
        host, _, port = address.rpartition(":")
        self._address = address
        self._peer = (host, int(port))
        self._socket = None
        self._beside_others = beside_others

    def next(self):
        """Waits for an invocation; returns its headers, names in lower case, and its event."""
        return self._exchange(self._head("GET", "invocation/next"))[1:]

    def get(self, path):
        """Waits for an answer without content."""
        self._exchange(self._head("GET", path))

    def post_response(self, request_id, body, content_type):
        """Sends a result; returns when the platform has it."""
        self._post("invocation/%s/response" % request_id, "response", body, content_type)

    def post_error(self, request_id, body):
        self._post("invocation/%s/error" % request_id, "error", body, "application/json")

    def post_early(self, path, body, error_type):
        """Sends an error that no invocation has."""
        header = "Lambda-Runtime-Function-Error-Type: %s\r\n" % header_text(error_type)
        self._send(path, body, "application/json", header)

    def _post(self, path, kind, body, content_type):
        """A result that is refused, for its size, is the end of the process, unless
        others serve beside it. The line that is logged calls every result a success."""
        status, _, answer = self._send(path, body, content_type)
        if status != b"202":
            import os
            import time

            line = "[ERROR] [%d] LAMBDA_RUNTIME Failed to post handler success response. Http response code: %s. %s\n"
            text = line % (time.time() * 1000, status.decode(), answer.decode("utf-8", "replace"))
            os.write(2, text.encode("utf-8"))
            if not self._beside_others:
                raise RuntimeError("Failed to post invocation " + kind)
            import logging

            logging.warning("Failed to post invocation %s: This won't kill the Runtime loop", kind)

    def _send(self, path, body, content_type, header=""):
        fields = "Content-Type: %s\r\nContent-Length: %d\r\n%s" % (content_type, len(body), header)
        return self._exchange(self._head("POST", path, fields) + body)

    def _head(self, method, path, fields=""):
        text = "%s /2018-06-01/runtime/%s HTTP/1.1\r\nHost: %s\r\n%s\r\n"
        return (text % (method, path, self._address, fields)).encode("latin-1")

    def _exchange(self, request):
        """One request and its answer. A connection that was closed while nobody
        used it is opened anew; without an answer on a fresh one the platform
        is gone, and so is the reason to run."""
        used = self._socket is not None
        try:
            return self._try(request)
        except OSError:
            self._socket = None
        if used:
            try:
                return self._try(request)
            except OSError:
                pass
        sys.exit(1)

    def _try(self, request):
        if self._socket is None:
            connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
            connection.settimeout(None)
            connection.connect(self._peer)
            connection.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            self._socket = connection
        self._socket.sendall(request)
        return self._receive(self._socket)

    @staticmethod
    def _receive(connection):
        data = b""
        end = -1
        while end < 0:
            chunk = connection.recv(65536)
            if not chunk:
                raise OSError("connection closed")
            data += chunk
            end = data.find(b"\r\n\r\n")
        status = data[9:12]
        headers = {}
        for line in data[:end].decode("utf-8", "replace").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = data[end + 4 :]
        missing = int(headers.get("content-length", 0)) - len(body)
        if missing <= 0:
            return status, headers, body
        parts = [body]
        while missing > 0:
            chunk = connection.recv(min(missing, 1 << 20))
            if not chunk:
                raise OSError("connection closed")
            parts.append(chunk)
            missing -= len(chunk)
        return status, headers, b"".join(parts)


def header_text(text):
    """Keeps a text to what may stand in a header."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)
