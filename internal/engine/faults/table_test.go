package faults

import (
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// brief is the time of functions that are to run into it.
const brief = 500 * time.Millisecond

const (
	timedOut     = `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 0.50 seconds"}`
	timedOutSaid = "timeout Sandbox.Timedout: Task timed out after 0.50 seconds"
)

// tooMuchMemory is a row that ends otherwise where memory is limited.
const tooMuchMemory = "takes more memory than it may"

// exited is the answer of a function whose process has ended, and its report.
func exited(how string) (answer, report string) {
	message := "Runtime exited with error: " + how
	if how == "" {
		message = "Runtime exited without providing a reason"
	}
	return `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: ` + message + `"}`, "failure Runtime.ExitError: " + message
}

// dies is a row for a program that ends in a way.
func dies(f fault, how string) fault {
	f.answer, f.report = exited(how)
	f.fresh = true
	return f
}

// hangs is a row for a program that runs into its timeout.
func hangs(f fault) fault {
	f.answer, f.report, f.timeout, f.fresh, f.patient = timedOut, timedOutSaid, brief, true, true
	return f
}

// works is a row for a program that gets away with it.
func works(f fault) fault {
	if f.answer == "" {
		f.answer = `"ok"`
	}
	f.report = "success"
	return f
}

// table is all rows.
func table() []fault {
	var all []fault
	for _, rows := range [][]fault{protocol(), requests(), phases(), signals(), processes(), output(), files(), languages()} {
		all = append(all, rows...)
	}
	return all
}

// protocol breaks the rules of the Runtime API.
func protocol() []fault {
	truncated := fault{
		answer: `{"errorType":"Runtime.TruncatedResponse","errorMessage":"RequestId: ID Error: the runtime's response ended too early"}`,
		report: "error Runtime.TruncatedResponse", fresh: true, patient: true,
	}
	cut, garbled := truncated, truncated
	cut.way, cut.program = "sends half an answer, hangs up and lives on", `
e = ask()
with connect() as s:
    s.sendall(message("POST", f"invocation/{e.id}/response", b'"half', length=100))
wait()`
	garbled.way, garbled.program = "sends chunks whose sizes are no numbers", `
e = ask()
with connect() as s:
    s.sendall(chunked(f"invocation/{e.id}/response") + b"2\r\n\"a\r\nzz\r\n")
    tell(reply(s)[0])
    wait()`
	garbled.says = "<400>"
	return []fault{
		works(fault{way: "answers twice", program: `
e = ask()
answer(e)
tell(answer(e, b'"twice"'))
serve()`, says: "<403>"}),
		works(fault{way: "reports an error after its answer", program: `
e = ask()
answer(e)
tell(fail(e, b'{}'))
serve()`, says: "<403>"}),
		works(fault{way: "answers an invocation that is not its own", program: `
e = ask()
tell(answer(Event("8f5a1c3e-0000-4000-8000-000000000000", b""), b'"theirs"'))
answer(e)
serve()`, says: "<400>"}),
		works(fault{way: "answers before it has asked", program: `
tell(answer(Event("8f5a1c3e-0000-4000-8000-000000000000", b""), b'"early"'))
answer(ask())
serve()`, says: "<400>"}),
		hangs(fault{way: "sends half an answer and falls silent", program: `
e = ask()
s = connect()
s.sendall(message("POST", f"invocation/{e.id}/response", b'"half', length=100))
wait()`}),
		dies(fault{way: "sends half an answer and exits", program: `
e = ask()
s = connect()
s.sendall(message("POST", f"invocation/{e.id}/response", b'"half', length=100))
os._exit(7)`, differs: "either the exit or Runtime.TruncatedResponse, whichever is noticed first"}, "exit status 7"),
		cut, garbled,
	}
}

// requests are no requests, or too much of one.
func requests() []fault {
	const tooLarge = `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`
	return []fault{
		works(fault{way: "sends half a request's head and falls silent", program: `
s = connect()
s.sendall(b"POST /2018-06-01/runtime/inv")
answer(ask())
serve()`}),
		works(fault{way: "asks by the wrong method", program: `
tell(exchange(message("DELETE", "invocation/next"))[0])
answer(ask())
serve()`, says: "<405>"}),
		works(fault{way: "posts to a path that there is not", program: `
e = ask()
tell(exchange(message("POST", f"invocation/{e.id}/answer", b"1"))[0])
answer(e)
serve()`, says: "<404>"}),
		works(fault{way: "speaks a version of HTTP that there is not", program: `
tell(exchange(message("GET", "invocation/next", version="HTTP/9.9"))[0])
answer(ask())
serve()`, says: "<505>"}),
		works(fault{way: "sends headers of 2 MB", program: `
e = ask()
tell(exchange(message("POST", f"invocation/{e.id}/response", b"1", "X: " + "x" * (2 << 20)))[0])
answer(e)
serve()`, says: "<431>"}),
		works(fault{way: "sends a negative length", program: `
e = ask()
tell(exchange(message("POST", f"invocation/{e.id}/response", b"", length=-5))[0])
answer(e)
serve()`, says: "<400>"}),
		{way: "answers with 40 MB", program: `
e = ask()
tell(answer(e, b"x" * (40 << 20)))
serve()`, says: "<413>", answer: tooLarge, report: "error Function.ResponseSizeTooLarge"},
		hangs(fault{way: "answers without an end", program: `
e = ask()
with connect() as s:
    s.sendall(chunked(f"invocation/{e.id}/response"))
    while True:
        s.sendall(b"10000\r\n" + b"x" * (1 << 16) + b"\r\n")
        time.sleep(0.001)`}),
		{way: "says in a trailer that it has failed", program: `
e = ask()
with connect() as s:
    s.sendall(chunked(f"invocation/{e.id}/response", "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"))
    s.sendall(b"1\r\n1\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Half\r\nLambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n\r\n")
    tell(reply(s)[0])
serve()`, says: "<202>", answer: `{"a":1}`, report: "error Function.Half"},
		works(fault{way: "asks twice at once", program: `
import select
open_ = [connect(), connect()]
for s in open_:
    s.sendall(message("GET", "invocation/next"))
while True:
    for s in select.select(open_, [], [])[0]:
        status, headers, body = reply(s)
        if status == 200: # else it came while the other was being answered
            e = Event(headers["lambda-runtime-aws-request-id"], body)
            answer(e, b'"well"' if body == b'"again"' else b'"ok"')
        s.sendall(message("GET", "invocation/next"))`}),
		works(fault{way: "asks from two processes", program: `
child(serve)
serve()`}),
		works(fault{way: "answers and asks for more in one packet", program: `
e = ask()
with connect() as s:
    s.sendall(message("POST", f"invocation/{e.id}/response", b'"ok"') + message("GET", "invocation/next"))
    data = b""
    while b'"again"' not in data:
        data += s.recv(1 << 16)
    name = data.decode().lower().split("request-id: ")[1].split("\r\n")[0]
    answer(Event(name, b""), b'"well"')
    serve()`}),
		works(fault{way: "keeps 300 connections open", program: `
held = [connect() for _ in range(300)]
e = ask()
answer(e)
serve()`}),
		hangs(fault{way: "never reads its event of 6 MB", program: `
if once("first"):
    s = connect()
    s.sendall(message("GET", "invocation/next"))
    wait()
serve()`, event: `"` + strings.Repeat("x", lambda.MaxRequestBytes-2) + `"`}),
		works(fault{way: "answers with bytes that are no text", program: `
answer(ask(), b"\x00\xff\xfe\r\n\x00")
serve()`, answer: "\x00\xff\xfe\r\n\x00"}),
		{way: "reports an error that is no text", program: `
fail(ask(), b"\x00\xff\xfe", "Lambda-Runtime-Function-Error-Type: nonsense")
serve()`, answer: "\x00\xff\xfe", report: "error Runtime.Unknown"},
		works(fault{way: "names its error with a control character", program: `
e = ask()
tell(fail(e, b"{}", "Lambda-Runtime-Function-Error-Type: Function.\x01"))
answer(e)
serve()`, says: "<400>"}),
		{way: "names its error in several lines", program: `
fail(ask(), b"{}", "Lambda-Runtime-Function-Error-Type: Function.Boom\r\n END RequestId: forged")
serve()`, answer: "{}", report: "error Function.Boom END RequestId: forged"},
	}
}

// phases are faults at the wrong time.
func phases() []fault {
	const boom = `{"errorMessage":"no","errorType":"Runtime.Boom"}`
	return []fault{
		hangs(fault{way: "never answers", program: `
ask()
wait()`}),
		dies(fault{way: "exits 0 in its initialisation", program: `
if once("first") or once("second"): sys.exit(0)
serve()`}, ""),
		dies(fault{way: "exits 7 in its initialisation", program: `
if once("first") or once("second"): sys.exit(7)
serve()`}, "exit status 7"),
		works(fault{way: "exits 7 in its initialisation, once", program: `
if once("first"): sys.exit(7)
serve()`}),
		works(fault{way: "exits 7 while it waits for work", program: `
e = ask()
s = connect()
s.sendall(message("POST", f"invocation/{e.id}/response", b'"ok"') + message("GET", "invocation/next"))
reply(s)
import select
select.select([s], [], [], 0.1)
os._exit(7)`, fresh: true, idle: true, lonely: true}),
		{way: "reports a failed initialisation and exits 0", program: `
if once("first") or once("second"):
    tell(init_error(b'` + boom + `', "Lambda-Runtime-Function-Error-Type: Runtime.Boom"))
    sys.exit(0)
serve()`, says: "<202>", answer: boom, report: "error Runtime.Boom", fresh: true},
		{way: "reports a failed initialisation twice", program: `
if once("first") or once("second"):
    init_error(b'` + boom + `', "Lambda-Runtime-Function-Error-Type: Runtime.Boom")
    tell(init_error(b"{}"))
    sys.exit(1)
serve()`, says: "<403>", answer: boom, report: "error Runtime.Boom", fresh: true},
		{way: "reports a failed initialisation and stays", program: `
if once("first") or once("second"):
    init_error(b'` + boom + `', "Lambda-Runtime-Function-Error-Type: Runtime.Boom")
    wait()
serve()`, answer: boom, report: "error Runtime.Boom", fresh: true, patient: true},
		dies(fault{way: "sends half a report of a failed initialisation and exits", program: `
if once("first") or once("second"):
    s = connect()
    s.sendall(message("POST", "init/error", b'{', length=100))
    os._exit(7)
serve()`}, "exit status 7"),
		works(fault{way: "takes too long to initialise, once, and leaves a daemon", program: `
if once("first"):
    open("daemon", "w").write(str(child(stubborn, apart=True)))
    wait()
tell(os.path.exists("/proc/" + open("daemon").read()))
answer(ask())
serve()`, says: "<False>", patient: true, linux: true}),
	}
}

// signals are ends that the process makes for itself, or tries to make for others.
func signals() []fault {
	kill := func(name, how string) fault {
		return dies(fault{way: "sends itself " + name, program: `
import signal
ask()
os.kill(os.getpid(), signal.` + name + `)
wait()`}, how)
	}
	return []fault{
		kill("SIGKILL", "signal: killed"),
		kill("SIGSEGV", "signal: segmentation fault"),
		kill("SIGTERM", "signal: terminated"),
		dies(fault{way: "aborts", program: `
ask()
os.abort()`}, "signal: aborted"),
		hangs(fault{way: "stops itself", program: `
import signal
ask()
os.kill(os.getpid(), signal.SIGSTOP)
wait()`}),
		dies(fault{way: "kills its process group", program: `
import signal
ask()
child(wait)
os.kill(0, signal.SIGKILL)
wait()`}, "signal: killed"),
		works(fault{way: "sends signals to its parent", program: `
import signal
e = ask()
for s in (signal.SIGCHLD, signal.SIGWINCH, signal.SIGURG, signal.SIGCONT):
    os.kill(os.getppid(), s)
answer(e)
serve()`, differs: "the parent is out of reach; here SIGTERM ends lambkin as Ctrl-C does"}),
	}
}

// processes are about what else runs.
func processes() []fault {
	bomb := hangs(fault{way: "is a fork bomb of 64 processes", program: `
ask()
for _ in range(6):
    os.fork()
note()
wait()`, differs: "forks fail after 1,024 processes; here nothing limits them"})
	bomb.patient = false // the machine is other people's, too
	return []fault{
		works(fault{way: "leaves a child that ignores signals, with its output", program: `
e = ask()
child(stubborn, apart=True)
answer(e)
serve()`, linux: true}),
		works(fault{way: "leaves a child without its output", program: `
e = ask()
child(stubborn, apart=True, quiet=True)
answer(e)
serve()`, linux: true}),
		works(fault{way: "leaves a daemon that shows nothing of its origin", program: `
e = ask()
child(lambda: child(bare, apart=True, quiet=True), apart=True)
answer(e)
serve()`, lonely: true, linux: true}),
		works(fault{way: "leaves a child in lambkin's process group", program: `
e = ask()
lambkins = os.getpgid(os.getppid())
def joined():
    os.setpgid(0, lambkins)
    open("joined", "w").close()
    stubborn()
child(joined)
while not os.path.exists("joined"): time.sleep(0.001)
answer(e)
serve()`, linux: true}),
		dies(fault{way: "leaves daemons and exits", program: `
ask()
child(lambda: child(stubborn, apart=True), apart=True)
child(bare, apart=True)
os._exit(7)`, lonely: true, linux: true}, "exit status 7"),
		hangs(fault{way: "moves to a group of its child's", program: `
ask()
def lead():
    os.setpgid(0, 0)
    open("leads", "w").close()
    wait()
pid = child(lead)
while not os.path.exists("leads"): time.sleep(0.001)
os.setpgid(0, pid)
wait()`, linux: true}),
		hangs(fault{way: "moves to lambkin's process group", program: `
ask()
os.setpgid(0, os.getpgid(os.getppid()))
wait()`}),
		works(fault{way: "starts 100 children and waits for none", program: `
e = ask()
for _ in range(100):
    if os.fork() == 0:
        os._exit(0)
answer(e)
serve()`}),
		bomb,
		works(fault{way: "is a chain of processes in sessions of their own", program: `
e = ask()
def chain():
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if os.fork():
            os._exit(0)
        os.setsid()
child(chain, apart=True)
answer(e)
serve()`, linux: true}),
		works(fault{way: "keeps a thread busy for ever", program: `
import threading
def busy():
    while True: time.sleep(0.0001)
e = ask()
threading.Thread(target=busy).start()
answer(e)
serve()`}),
		hangs(fault{way: "closes all descriptors", program: `
ask()
os.closerange(0, 1024)
wait()`}),
		works(fault{way: "closes its output and goes on", program: `
e = ask()
os.closerange(0, 3)
answer(e)
serve()`}),
		works(fault{way: "reads its standard input to the end", program: `
e = ask()
tell(len(sys.stdin.read()))
answer(e)
serve()`, says: "<0>"}),
		works(fault{way: "becomes another program, with another environment", program: `
if not sys.argv[1:]:
    os.execve(sys.executable, ["other", "-SEB", __file__, "again"], {"AWS_LAMBDA_RUNTIME_API": API, "FAULT_PIDS": os.environ["FAULT_PIDS"]})
answer(ask())
serve()`}),
		works(fault{way: tooMuchMemory, program: `
e = ask()
held = bytearray(160 << 20)
__import__("time").sleep(0.5)
answer(e)
serve()`, differs: "signal: killed, or Runtime.OutOfMemory; here memory is not limited"}),
	}
}

// output is about what is printed, and never ends well for a pipe that is not read.
func output() []fault {
	return []fault{
		works(fault{way: "prints 100 MB", program: `
e = ask()
for _ in range(100):
    os.write(1, (b"x" * 1023 + b"\n") * 1024)
answer(e)
serve()`, output: 100 << 20}),
		works(fault{way: "prints one line of 50 MB", program: `
e = ask()
sys.stdout.write("x" * (50 << 20))
sys.stdout.flush()
answer(e)
serve()`, output: 50 << 20}),
		works(fault{way: "prints bytes that are no text, and no line end", program: `
e = ask()
os.write(1, bytes(range(256)) * 256)
answer(e)
serve()`, output: 1 << 16}),
		works(fault{way: "leaves a child that prints for ever", program: `
e = ask()
def flood():
    while True: os.write(1, b"y\n" * 32768)
child(flood, apart=True)
answer(e)
serve()`, linux: true}),
		dies(fault{way: "prints 1 MB and dies at once", program: `
ask()
os.write(1, b"x" * (1 << 20))
os._exit(7)`, output: 1 << 20}, "exit status 7"),
	}
}

// files are about the disk.
func files() []fault {
	gone := works(fault{way: "deletes its own folder and goes away", program: `
import shutil
e = ask()
shutil.rmtree(os.getcwd())
os.chdir("/")
answer(e)
serve()`, differs: "the code's folder cannot be written to"})
	lost := dies(fault{way: "deletes its own folder and exits", program: `
import shutil
ask()
shutil.rmtree(os.getcwd())
os._exit(7)`, then: "error bootstrap", differs: "the code's folder cannot be written to"}, "exit status 7")
	return []fault{
		gone, lost,
		{way: "writes to a disk that is full", program: `
e = ask()
try:
    with open("/dev/full", "w") as f: f.write("x")
except OSError as error:
    fail(e, f'{{"errorType":"OSError","errorMessage":"{error}"}}'.encode())
serve()`, answer: `{"errorType":"OSError","errorMessage":"[Errno 28] No space left on device"}`, report: "error Runtime.Unknown", linux: true},
		{
			way: "is a script whose interpreter is missing", runtime: "provided.al2023", files: map[string]string{"bootstrap": "#!/no/such/program -x\n"},
			err: "/no/such/program", differs: "Runtime.InvalidEntrypoint is the answer; here it is an error, before anything is started",
		},
		{
			way: "is a script with Windows' line ends", runtime: "provided.al2023", files: map[string]string{"bootstrap": "#!/bin/sh\r\nexit 0\r\n"},
			err: "line ends", differs: "Runtime.InvalidEntrypoint is the answer; here it is an error, before anything is started",
		},
		{
			way: "has variables over the system's limit", program: "serve()", change: func(fn *lambda.Function) {
				fn.Environment = append(fn.Environment, lambda.Variable{Name: "BIG", Value: strings.Repeat("x", 4<<20)})
			},
			err: "argument list too long", linux: true, differs: "over 4 KB it cannot be deployed; here only the system's limit counts",
		},
	}
}

// languages are faults of handlers, which meet lambkin's own bootstraps.
func languages() []fault {
	nodejs := func(f fault, body string) fault {
		f.runtime, f.handler = "nodejs22.x", "index.handler"
		f.files = map[string]string{"index.js": "exports.handler = async (event) => {\n  if (event === 'again') return 'well';\n" + body + "\n};\n"}
		f.event = "{}"
		return f
	}
	python := func(f fault, body string) fault {
		f.runtime, f.handler = "python3.13", "index.handler"
		f.files = map[string]string{"index.py": "import os, signal, sys, time\n\n\ndef handler(event, context):\n    if event == 'again':\n        return 'well'\n    " +
			strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    ") + "\n"}
		f.event = "{}"
		return f
	}
	return []fault{
		nodejs(hangs(fault{way: "Node.js: never gives back control"}), "while (true);"),
		nodejs(fault{way: "Node.js: recurses without an end", answer: "~Maximum call stack size exceeded", report: "error Runtime.Unknown"}, "const f = () => f() + 1;\nreturn f();"),
		nodejs(dies(fault{way: "Node.js: aborts"}, "signal: aborted"), "process.abort();"),
		nodejs(dies(fault{way: "Node.js: uses up its heap", change: func(fn *lambda.Function) {
			fn.Environment = append(fn.Environment, lambda.Variable{Name: "NODE_OPTIONS", Value: "--max-old-space-size=16"})
		}}, "signal: aborted"), "const all = [];\nfor (;;) all.push(new Array(100000).fill({}));"),
		nodejs(hangs(fault{way: "Node.js: stops itself"}), "process.kill(process.pid, 'SIGSTOP');\nawait new Promise(() => setTimeout(() => {}, 60000));"),
		nodejs(works(fault{way: "Node.js: closes its connection", answer: "1", linux: true}), "const fs = require('fs');\nfor (const fd of fs.readdirSync('/proc/self/fd')) try { if (fs.readlinkSync('/proc/self/fd/' + fd).startsWith('socket')) fs.closeSync(+fd); } catch {}\nreturn 1;"),
		python(dies(fault{way: "Python: ends without a word"}, "exit status 7"), "os._exit(7)"),
		python(fault{way: "Python: recurses without an end", answer: "~RecursionError", report: "error Runtime.Unknown"}, "def f():\n    return f() + 1\nreturn f()"),
		python(works(fault{way: "Python: leaves a thread that is busy for ever"}), "import threading\nthreading.Thread(target=lambda: [time.sleep(0.001) for _ in range(60000)]).start()\nreturn 'ok'"),
		python(works(fault{way: "Python: closes its connection", answer: "1"}), "os.closerange(3, 64)\nreturn 1"),
		python(dies(fault{way: "Python: kills itself"}, "signal: killed"), "os.kill(os.getpid(), signal.SIGKILL)"),
	}
}
