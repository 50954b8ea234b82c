# The Runtime API over a socket, and nothing else: each event is its own answer.
import os
import re
import socket

api = os.environ["AWS_LAMBDA_RUNTIME_API"]
host, port = api.split(":")
connection = socket.create_connection((host, int(port)))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def exchange(request):
    connection.sendall(request)
    data = b""
    while True:
        data += connection.recv(65536)
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            length = int(re.search(rb"(?i)content-length: (\d+)", data).group(1))
            if len(data) >= end + 4 + length:
                return data[:end], data[end + 4 :]


host = ("Host: %s\r\n" % api).encode()
while True:
    head, body = exchange(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n" + host + b"\r\n")
    name = re.search(rb"(?i)lambda-runtime-aws-request-id: (\S+)", head).group(1)
    request = b"POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (name, host, len(body))
    exchange(request + body)
