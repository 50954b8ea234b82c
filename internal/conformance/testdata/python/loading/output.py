import logging
import sys

print("printed")
print("to stderr", file=sys.stderr)
logging.warning("logged")
logging.info("not logged")
raise RuntimeError("after output")
