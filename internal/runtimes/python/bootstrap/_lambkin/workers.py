"""Several invocations at once, as on a capacity provider: each in a process of
its own, which loads the handler itself. AWS's runtimes start all of them at the
beginning; here the next one is started when the last has got its first event,
so that few invocations cost little."""
import _signal
import os

TOOK = b"+"


def spread(count):
    """Returns in each process that serves, with what is to be called at its first
    event. The process that was there before watches them: when one ends, it ends
    in the same way, and the environment with it."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
    _signal.set_wakeup_fd(writer)
    started = 0
    while True:
        if started < count:
            started += 1
            if os.fork() == 0:
                _signal.set_wakeup_fd(-1)
                _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
                os.close(reader)
                return lambda: os.write(writer, TOOK)
        while os.read(reader, 1) != TOOK:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                end(status)


def end(status):
    """Ends this process as another has ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != _signal.SIGKILL:
            _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
