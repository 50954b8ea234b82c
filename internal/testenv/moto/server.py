# Runs moto's server on a free port until standard input ends, which it also
# does when the test that holds it is no more.
import os
import sys
import threading

from moto.server import main


def wait():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=wait, daemon=True).start()
main(["-H", "127.0.0.1", "-p", "0"])
