"""Handlers that end the process, or try to."""
import asyncio
import atexit
import ctypes
import os
import signal
import sys
import threading
import time


def with_text(event, context):
    sys.exit("bye")


def with_nothing(event, context):
    sys.exit()


def with_true(event, context):
    sys.exit(True)


def with_256(event, context):
    sys.exit(256)


def by_quit(event, context):
    quit(3)


def by_raise(event, context):
    raise SystemExit(7)


def at_once(event, context):
    print("printed")
    sys.stdout.buffer.write(b"not flushed\n")
    os._exit(8)


def caught(event, context):
    try:
        sys.exit(3)
    except SystemExit as end:
        return end.code


def interrupt(event, context):
    raise KeyboardInterrupt("pressed")


class Fatal(BaseException):
    pass


def own_base(event, context):
    raise Fatal("own base")


def own_base_with_cause(event, context):
    try:
        1 / 0
    except ZeroDivisionError as cause:
        raise Fatal("caused") from cause


def generator_exit(event, context):
    raise GeneratorExit("generator")


def cancelled(event, context):
    raise asyncio.CancelledError("cancelled")


def base_group(event, context):
    raise Fatal("a", "b")


def own_hook(event, context):
    sys.excepthook = lambda kind, value, trace: print("hook", kind.__name__, value)
    raise Fatal("hooked")


def registered(event, context):
    atexit.register(print, "registered")
    sys.exit(9)


def registered_and_killed(event, context):
    atexit.register(print, "registered")
    os._exit(9)


def aborts(event, context):
    os.abort()


def segfault(event, context):
    ctypes.string_at(1)


def from_thread(event, context):
    threading.Thread(target=os._exit, args=(10,)).start()
    time.sleep(5)


def sys_exit_in_thread(event, context):
    thread = threading.Thread(target=sys.exit, args=(10,))
    thread.start()
    thread.join()
    return "goes on"


def waits_for_thread(event, context):
    def later():
        time.sleep(0.1)
        print("later")

    threading.Thread(target=later).start()
    sys.exit(11)


def leaves_daemon(event, context):
    threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
    sys.exit(12)


def killed_by_alarm(event, context):
    signal.alarm(1)
    time.sleep(5)


def killed_by_pipe(event, context):
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(5)


def executes_another(event, context):
    os.execv("/bin/sh", ["sh", "-c", "echo other; exit 13"])


def closes_output(event, context):
    sys.stdout.close()
    return "closed"


def forks(event, context):
    child = os.fork()
    if child == 0:
        os._exit(14)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def limits_memory(event, context):
    raise MemoryError("no more")
