"""Times the listing of a template's functions: load.py LAMBKIN FOLDER COUNT...

With "load.py --list TEMPLATE" it is SAM CLI's side of that: it prints the names of the functions that SAM CLI's
provider finds, and on standard error the seconds that the provider took without the start of Python.
"""
import json
import os
import statistics
import subprocess
import sys
import time

HEAD = """Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
Globals:
  Function:
    Runtime: nodejs22.x
    Timeout: 10
    Environment:
      Variables:
        STAGE: !Ref Stage
        TABLE: !Ref Table
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub "${AWS::StackName}-table-${Stage}"
"""

FUNCTION = """  Function{0}:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${{Stage}}-function-{0}"
      CodeUri: src/
      Handler: app.handler
      MemorySize: 256
      Environment:
        Variables:
          INDEX: "{0}"
          TABLE_ARN: !GetAtt Table.Arn
          JOINED: !Join ["-", [!Ref Stage, "{0}"]]
      Policies:
        - DynamoDBCrudPolicy: {{TableName: !Ref Table}}
"""

# Every tenth function has one: SAM CLI's time grows with the square of their number.
EVENT = """      Events:
        Get{0}: {{Type: Api, Properties: {{Path: /items/{0}, Method: get}}}}
"""


def provider(template):
    """Prints what SAM CLI's provider finds."""
    from samcli.lib.providers.sam_function_provider import SamFunctionProvider
    from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

    start = time.perf_counter()
    stacks, _ = SamLocalStackProvider.get_stacks(template)
    names = sorted(f.full_path for f in SamFunctionProvider(stacks).get_all())
    print(time.perf_counter() - start, file=sys.stderr)
    print("\n".join(names))


def generate(folder, count):
    os.makedirs(os.path.join(folder, "src"), exist_ok=True)
    template = os.path.join(folder, "template%d.yaml" % count)
    with open(template, "w", encoding="utf-8") as file:
        file.write(HEAD)
        for i in range(count):
            file.write(FUNCTION.format(i))
            if i % 10 == 0:
                file.write(EVENT.format(i))
    return template


def run(command, runs):
    """The median of a command's seconds, and its last output."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), done


def main():
    if sys.argv[1] == "--list":
        provider(sys.argv[2])
        return
    lambkin, folder = sys.argv[1:3]
    print("functions  lambkin list   SAM CLI's provider   its part without Python's start   (medians, milliseconds)")
    for count in map(int, sys.argv[3:]):
        template = generate(folder, count)
        ours, done = run([lambkin, "list", "--output", "json", "--template", template], 15)
        names = sorted(f["function"] for f in json.loads(done.stdout))
        theirs, done = run([sys.executable, os.path.abspath(__file__), "--list", template], 5 if count <= 1000 else 2)
        inner = float(done.stderr.strip().splitlines()[-1])
        if names != done.stdout.split() or len(names) != count:
            sys.exit("lambkin finds %d functions, SAM CLI %d, of %d" % (len(names), len(done.stdout.split()), count))
        print("%9d  %12.1f   %18.1f   %31.1f   %.0f times" % (count, ours * 1e3, theirs * 1e3, inner * 1e3, theirs / ours))


main()
