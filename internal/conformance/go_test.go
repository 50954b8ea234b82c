package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes/provided"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// own is the runtime of programs that bring AWS's client with them; lambkin
// has no bootstrap for it.
const own = "provided.al2023"

// ownVariables are the names of all variables of such a program. They are those
// that AWS has recorded, but for the session's token, which these credentials
// do not have.
const ownVariables = `["AWS_ACCESS_KEY_ID","AWS_DEFAULT_REGION","AWS_LAMBDA_FUNCTION_MEMORY_SIZE","AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_VERSION","AWS_LAMBDA_INITIALIZATION_TYPE","AWS_LAMBDA_LOG_GROUP_NAME","AWS_LAMBDA_LOG_STREAM_NAME","AWS_LAMBDA_RUNTIME_API",
	"AWS_REGION","AWS_SECRET_ACCESS_KEY","AWS_XRAY_CONTEXT_MISSING","AWS_XRAY_DAEMON_ADDRESS","LAMBDA_RUNTIME_DIR","LAMBDA_TASK_ROOT","LANG",
	"LD_LIBRARY_PATH","PATH","TZ","_AWS_XRAY_DAEMON_ADDRESS","_AWS_XRAY_DAEMON_PORT","_HANDLER","_X_AMZN_TRACE_ID"]`

// named is a handler whose name is the row's.
func named(row string) string { return row }

func TestGo(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("AWS's client for Go is tested as Lambda runs it, on Linux")
	}
	l := &language{
		runtime: own, client: provided.Runtime{}, code: buildGo(t), handler: named,
	}
	for _, rows := range [][]row{goErrors(), goPanics(), goExits(), goValues(), goReaders(), goContexts(), goStarts(), goEnds(), goLogs()} {
		l.own = append(l.own, rows...)
	}
	l.run(t)
}

// buildGo builds the handlers, all in one program.
func buildGo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := testenv.Go(t)
	run := func(args ...string) ([]byte, error) {
		cmd := exec.Command(program, args...)
		cmd.Dir = filepath.Join("testdata", "go")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-buildvcs=false", "GOPROXY=off")
		return cmd.CombinedOutput()
	}
	if out, err := run("mod", "download"); err != nil {
		t.Logf("%s", out)
		testenv.Skip(t, "aws-lambda-go", "the test builds functions with it")
	}
	if out, err := run("build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "."); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// once is one event, so that a row with something large or slow is not run twice.
func once(event string) []string { return []string{event} }

// exited is the answer for a process that has ended by itself.
func exited(message string) want { return want{message: message, platform: lambda.Exited} }
