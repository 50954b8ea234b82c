"""A runtime with nothing between the program and the Runtime API, for programs that break its rules."""
import os
import resource
import socket
import sys
import time

# No dumps of those that crash, and an end for all that is left behind.
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
LIFETIME = 60
API = os.environ.get("AWS_LAMBDA_RUNTIME_API", "")
if "FAULT_SCRATCH" in os.environ:  # the function's own folder cannot be written to
    os.chdir(os.environ["FAULT_SCRATCH"])


class Event:
    def __init__(self, name, body):
        self.id, self.body = name, body


def connect(api=None):
    host, port = (api or API).split(":")
    s = socket.socket()
    s.connect((host, int(port)))
    return s


def message(method, path, body=b"", *headers, length=None, version="HTTP/1.1"):
    lines = [f"{method} /2018-06-01/runtime/{path} {version}", "Host: api"]
    lines += [*headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join(lines + ["", ""]).encode() + body


def chunked(path, *headers):
    lines = [f"POST /2018-06-01/runtime/{path} HTTP/1.1", "Host: api", "Transfer-Encoding: chunked", *headers]
    return "\r\n".join(lines + ["", ""]).encode()


def reply(s):
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(1 << 16)
        if not more:
            sys.exit("the Runtime API has hung up")
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += s.recv(1 << 20)
    return int(first.split()[1]), headers, body


def exchange(data):
    with connect() as s:
        try:
            s.sendall(data)
        except OSError:
            pass  # refused before it was read to its end
        return reply(s)


def event(answer):
    status, headers, body = answer
    if status != 200:
        sys.exit(f"asked for work and got {status}")
    e = Event(headers["lambda-runtime-aws-request-id"], body)
    if body == b'"again"':
        answer_(e, b'"well"')
        serve()
    return e


def ask():
    return event(exchange(message("GET", "invocation/next")))


def answer_(e, body=b'"ok"'):
    status, _, _ = exchange(message("POST", f"invocation/{e.id}/response", body))
    return status


answer = answer_


def fail(e, body, *headers):
    status, _, _ = exchange(message("POST", f"invocation/{e.id}/error", body, *headers))
    return status


def init_error(body, *headers):
    status, _, _ = exchange(message("POST", "init/error", body, *headers))
    return status


def serve():
    while True:
        answer_(ask())


def tell(what):
    print(f"<{what}>", flush=True)


def wait():
    time.sleep(LIFETIME)


def note():
    """Puts the process on the list of those that must be gone in the end."""
    began = "-"
    if os.path.exists("/proc/self/stat"):
        with open("/proc/self/stat") as f:
            began = f.read().rsplit(")", 1)[1].split()[19]
    with open(os.environ["FAULT_PIDS"], "a") as f:
        f.write(f"{os.getpid()}:{began}\n")


def once(name):
    """Reports whether this is the first process of the function to come here."""
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def child(body, apart=False, quiet=False):
    """Runs body in a process that nobody waits for, and returns when it is under way."""
    ready, begun = os.pipe()
    pid = os.fork()
    if pid:
        os.close(begun)
        os.read(ready, 1)
        os.close(ready)
        return pid
    if apart:
        os.setsid()
    if quiet:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
    note()
    os.close(ready)
    os.close(begun)
    try:
        body()
    finally:
        os._exit(0)


def stubborn():
    import signal

    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    wait()


def bare():
    """Becomes a program that shows nothing of where it comes from."""
    os.chdir("/")
    os.execve("/bin/sh", ["sh", "-c", f"trap '' TERM; sleep {LIFETIME}"], {})
