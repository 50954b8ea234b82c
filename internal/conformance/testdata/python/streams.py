"""Handlers that use standard output and error in other ways than print."""
import os
import subprocess
import sys


def write_returns(event, context):
    return [sys.stdout.write("abc\n"), sys.stderr.write("def\n"), sys.stdout.writelines(["g", "h\n"])]


def attributes(event, context):
    out = sys.stdout
    return [type(out).__name__, out.encoding.lower(), out.isatty(), out.fileno(), out.name, out.writable(), out.closed, type(sys.__stdout__).__name__]


def buffer_in_turn(event, context):
    sys.stdout.buffer.write(b"1 bytes\n")
    print("2 text", file=sys.stderr)
    print("3 text")


def buffer_flushed(event, context):
    sys.stdout.buffer.write(b"1 bytes\n")
    sys.stdout.flush()
    print("2 text", file=sys.stderr)


def original(event, context):
    print("1 original", file=sys.__stdout__)
    print("2 text", file=sys.stderr)
    print("3 text")


def descriptor(event, context):
    print("1 text")
    os.write(1, b"2 descriptor\n")
    os.write(2, b"3 descriptor\n")
    print("4 text")


def child_process(event, context):
    print("1 parent")
    subprocess.run(["sh", "-c", "echo 2 child; echo 3 child >&2; exit 3"])
    print("4 parent")


def child_output(event, context):
    return subprocess.run(["sh", "-c", "echo out; cat"], stdout=subprocess.PIPE).stdout.decode()


def child_python(event, context):
    code = "import os, sys; print(sys.argv, 'AWS_LAMBDA_RUNTIME_API' in os.environ, sys.flags.no_site)"
    print(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE).stdout.decode())


def standard_input(event, context):
    return sys.stdin.read()


def closed_standard_input(event, context):
    try:
        return input("question ")
    except EOFError as error:
        return repr(error)


def partial_lines(event, context):
    for part in ("a", "b", "c"):
        print(part, end=" ")
    print(end="", flush=True)
    sys.stderr.write("err")
    print()


def replaced(event, context):
    class Upper:
        def write(self, text):
            return sys.__stdout__.write(text.upper())

        def flush(self):
            sys.__stdout__.flush()

    old, sys.stdout = sys.stdout, Upper()
    print("shouted")
    sys.stdout.flush()
    sys.stdout = old


def separators(event, context):
    print("a\r\nb\rc\vd\fe\x85f\u2028g\x00h")


def in_with(event, context):
    with sys.stdout as out:
        out.write("inside\n")
    print("after")


def reconfigured(event, context):
    sys.stdout.reconfigure(line_buffering=False)
    print("as before")


def half_a_pair(event, context):
    print("half \ud83d")


def not_text(event, context):
    sys.stdout.write(b"bytes")
