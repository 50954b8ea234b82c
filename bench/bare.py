# Runs a handler once with nothing around it: python bare.py HANDLER.py EVENT.json
import json
import os
import sys

file, event = sys.argv[1:]
sys.path.insert(0, os.path.dirname(file))
handler = __import__(os.path.splitext(os.path.basename(file))[0]).handler


class Context:
    function_name = "bare"


with open(event, encoding="utf-8") as f:
    print(json.dumps(handler(json.load(f), Context())))
