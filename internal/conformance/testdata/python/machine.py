"""Handlers that look at the process, or change it."""
import asyncio
import faulthandler
import gc
import json
import locale
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

count = 0


def search_path(event, context):
    return sys.path


def import_of_own_folder(event, context):
    from sub.pk import q

    return [q.__name__, q.__file__, __name__, __file__]


def main_module(event, context):
    return sys.modules["__main__"].__name__


def environment(event, context):
    # Python itself sets this one where the machine lacks the locale of LANG.
    return {name: value for name, value in sorted(os.environ.items()) if name != "LC_CTYPE"}


def changes_environment(event, context):
    os.environ["OWN"] = os.environ.get("OWN", "") + "x"
    os.environ["AWS_REGION"] = "changed"
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "changed"
    return [os.environ["OWN"], context.function_name, os.environ["_X_AMZN_TRACE_ID"][:6]]


def removes_environment(event, context):
    known = "_X_AMZN_TRACE_ID" in os.environ
    os.environ.clear()
    return [known, context.function_name, context.memory_limit_in_mb]


def encodings(event, context):
    return [sys.getdefaultencoding(), sys.getfilesystemencoding(), locale.getpreferredencoding(False).lower(), open(__file__).encoding.lower()]


def time_zone(event, context):
    return [time.tzname[0], time.localtime(0).tm_hour]


def switches(event, context):
    return [sys.flags.optimize, sys.flags.dev_mode, sys.flags.ignore_environment, sys.flags.interactive, sys.warnoptions, faulthandler.is_enabled(), gc.isenabled()]


def recursion_limit(event, context):
    return [sys.getrecursionlimit(), sys.getswitchinterval(), threading.stack_size()]


def threads(event, context):
    return [threading.current_thread() is threading.main_thread(), threading.current_thread().name, threading.active_count()]


def thread_raises(event, context):
    thread = threading.Thread(target=lambda: 1 / 0, name="worker")
    thread.start()
    thread.join()
    return "goes on"


def thread_names(event, context):
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return thread.name


def daemon_prints(event, context):
    ready = threading.Event()

    def work():
        print("daemon")
        ready.set()
        time.sleep(60)

    threading.Thread(target=work, daemon=True).start()
    ready.wait()


def pool(event, context):
    with ThreadPoolExecutor(4) as executor:
        return list(executor.map(lambda n: n * n, range(5)))


def runs_loop(event, context):
    async def work(n):
        await asyncio.sleep(0.01)
        return n

    async def both():
        return await asyncio.gather(work(1), work(2))

    return asyncio.run(both())


def task_never_retrieved(event, context):
    async def fail():
        raise ValueError("lost")

    async def start():
        asyncio.ensure_future(fail())
        await asyncio.sleep(0)

    asyncio.run(start())
    gc.collect()


def coroutine_never_awaited(event, context):
    async def work():
        pass

    warnings.simplefilter("ignore")
    work()
    gc.collect()


def signal_handlers(event, context):
    return [signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN]


def handles_signal(event, context):
    seen = []
    signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    return seen == [signal.SIGUSR1]


def handles_alarm(event, context):
    def ring(number, frame):
        raise TimeoutError("rang")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    time.sleep(5)


def signal_between(event, context):
    """A signal that comes while the runtime waits for the next event."""
    global count
    count += 1
    print("event", count)
    if count == 1:
        signal.signal(signal.SIGALRM, lambda number, frame: print("signal in event", count))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
    return count


def blocked_signals(event, context):
    return sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))


def spawned(event, context):
    connection, other = multiprocessing.get_context("spawn").Pipe(False)
    process = multiprocessing.get_context("spawn").Process(target=send_square, args=(other, 7))
    process.start()
    value = connection.recv()
    process.join()
    return [value, process.exitcode]


def send_square(connection, n):
    connection.send(n * n)


def forked(event, context):
    connection, other = multiprocessing.get_context("fork").Pipe(False)
    process = multiprocessing.get_context("fork").Process(target=send_square, args=(other, 8))
    process.start()
    value = connection.recv()
    process.join()
    return [value, process.exitcode]


def changes_folder(event, context):
    old = os.getcwd()
    os.chdir("/")
    return old


def changes_mask(event, context):
    old = os.umask(0o77)
    return oct(old)


def temporary_folder(event, context):
    import tempfile

    return tempfile.gettempdir()


def open_files(event, context):
    """Files that the function opens do not get the number of anything of the runtime's."""
    return sys.stdin.fileno() == 0 and sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2


def imports_client(event, context):
    from awslambdaric.lambda_context import LambdaContext

    return isinstance(context, LambdaContext)


def json_untouched(event, context):
    return json.dumps({"é": [1.5]}) + json.dumps([float("nan")])


def builtins(event, context):
    return [callable(exit), callable(quit), callable(help), "_" in dir(__builtins__)]
