package conformance

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/node"
	"github.com/lambkin-dev/lambkin/internal/sandbox/namespace"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// AWS's client up to Node.js 22 runs on the machine's Node.js, whichever it is.
func TestClassicNode(t *testing.T) {
	clients := nodeClients(t)
	testenv.Node(t)
	l := nodeLanguage(t, "nodejs20.x", clients, filepath.Join(clients, "aws-lambda-ric-classic", "bin", "index.mjs"), "")
	l.own = slices.Concat(nodeValues(), nodeFailures(), classicFailures(), callbacks(), nodeLoading(), classicLoading(), nodeLogs(), nodeContexts(), nodeStreams(), classicStreams())
	l.lacks = map[string]string{"meets": "the client serves one invocation at a time"}
	const where = "AWS does not say where the code cannot be parsed; lambkin does, in the last line of the trace"
	l.differs = map[string]string{"load_syntax": where, "load_syntax_below": where, "load_wrong_import": where}
	l.run(t)
}

// AWS's client from Node.js 24 on runs on that version, which comes with it.
func TestModernNode(t *testing.T) {
	clients := nodeClients(t)
	l := nodeLanguage(t, "nodejs24.x", clients, filepath.Join(clients, "aws-lambda-ric", "index.mjs"), filepath.Join(clients, "bin"))
	l.own = slices.Concat(nodeValues(), nodeFailures(), modernFailures(), modern(), nodeLoading(), modernLoading(), nodeLogs(), nodeContexts(), nodeStreams(), modernStreams(), nodeShared())
	l.run(t)
}

// The shared table over lambkin's bootstrap, in namespaces.
func TestNodeInNamespaces(t *testing.T) {
	if err := (namespace.Sandbox{}).Check(t.Context()); err != nil {
		t.Skip(err)
	}
	testenv.Node(t)
	l := nodeLanguage(t, "nodejs20.x", "/no/clients", "/no/clients/index.mjs", "")
	l.client, l.isolated = nil, true
	l.lacks = map[string]string{"meets": "the client serves one invocation at a time"}
	l.run(t)
}

func nodeClients(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("AWS's clients for Node.js are for Linux alone")
	}
	return cached(t, "ric-node", "the test runs AWS's clients for Node.js")
}

// nodeLanguage is a version of AWS's client. bin is the folder of the Node.js
// that runs it, "" for the machine's own.
func nodeLanguage(t testing.TB, identifier, clients, client, bin string) *language {
	t.Helper()
	code, err := filepath.Abs(filepath.Join("testdata", "node"))
	if err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(clients, "aws-lambda-ric-classic", "dist")
	handlers := nodeHandlers(t, code, identifier == "nodejs24.x")
	return &language{
		runtime:   identifier,
		client:    nodeRuntime{bin: bin, client: client},
		bootstrap: nodeRuntime{bin: bin},
		files:     node.Files(),
		code:      code,
		handler:   func(row string) string { return handlers[row] },
		tidy: func(text string) string {
			text = strings.NewReplacer(filepath.Dir(client), "/var/runtime", dist, "/var/runtime", "file://", "",
				"/var/runtime/node/bootstrap.js", "/var/runtime/index.mjs").Replace(text)
			if !strings.Contains(text, "\n") && !strings.Contains(text, "    at ") {
				return text
			}
			return written.ReplaceAllStringFunc(listed.ReplaceAllStringFunc(ofNode.all(text), ownFrames), ownFrames)
		},
	}
}

// ofNode are what no two processes have in common, and what only the package's
// own program says.
var ofNode = patterns{
	{regexp.MustCompile(`Executing '[^\n]*' in function directory '[^\n]*'\n`), ""},
	{regexp.MustCompile(`\(node:\d+\)`), "(node:PID)"},
	{regexp.MustCompile(`\[ERROR\] \[\d+\]`), "[ERROR] [TIME]"},
	{regexp.MustCompile(`\n\s*\d+: (?:0x|[^\n]*/var/runtime/)[^\n]*`), ""},
	{regexp.MustCompile(`\.\.\. \d+ lines matching`), "... N lines matching"},
	{regexp.MustCompile(`(?:/var/runtime/[^\n]*|node:internal/[^\n]*):\d+\n[^\n]*\n *\^\n\n`), ""},
}

// A stack trace, as a list of JSON and as text.
var (
	listed  = regexp.MustCompile(`(?:,"    at [^"]*")+`)
	written = regexp.MustCompile(`(?:(?:\\n|\\r|[\n\r]) +at [^\n\r"\\]*)+`)
	frame   = regexp.MustCompile(`,"    at [^"]*"|(?:\\n|\\r|[\n\r]) +at [^\n\r"\\]*`)
)

// ownFrames leaves those lines in a stack trace that are the function's: not
// the runtime's, and not what Node.js does at the bottom to start either.
func ownFrames(trace string) string {
	frames := frame.FindAllString(trace, -1)
	open := strings.HasSuffix(trace, " {") // members follow
	frames = slices.DeleteFunc(frames, func(f string) bool { return strings.Contains(f, "/var/runtime/") })
	for len(frames) > 0 && (strings.Contains(frames[len(frames)-1], "(node:") || strings.Contains(frames[len(frames)-1], " node:")) {
		frames = frames[:len(frames)-1]
	}
	trace = strings.Join(frames, "")
	if open && !strings.HasSuffix(trace, " {") {
		trace += " {"
	}
	return trace
}

// exported are the handlers of a file.
var exported = regexp.MustCompile(`(?m)^(?:export (?:async )?(?:function|const) |exports\.)(\w+) =`)

// nodeHandlers finds the files of the handlers, by the rows' names.
func nodeHandlers(t testing.TB, code string, modern bool) map[string]string {
	t.Helper()
	handlers := map[string]string{}
	files, err := filepath.Glob(filepath.Join(code, "*.*js"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		if name == "callbacks" && modern || name == "modern" && !modern {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range exported.FindAllSubmatch(source, -1) {
			row := string(found[1])
			if other := handlers[row]; other != "" {
				t.Errorf("%s is in %s and in %s", row, other, name)
			}
			handlers[row] = name + "." + row
		}
	}
	return handlers
}

// nodeRuntime is lambkin's runtime on the Node.js in bin, or AWS's client in
// the place of its bootstrap.
type nodeRuntime struct {
	node.Runtime
	bin, client string
}

func (r nodeRuntime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	if r.bin != "" {
		here := *host
		here.Env = maps.Clone(host.Env)
		here.Env["PATH"] = r.bin + string(filepath.ListSeparator) + host.Env["PATH"]
		host = &here
	}
	l, err := r.Runtime.Launch(fn, paths, host)
	if err == nil && fn.MaxConcurrency > 0 { // one of AWS's threads, which serves as many at once as come
		l.Env = append(l.Env, "AWS_LAMBDA_NODEJS_WORKER_COUNT=1")
	}
	if err != nil || r.client == "" {
		return l, err
	}
	for i, arg := range l.Args {
		if filepath.Dir(arg) == filepath.Join(paths.Runtime, "node") {
			l.Args = slices.Replace(l.Args, i, i+1, "--require", filepath.Join(fn.Code.Dir, "blocking.cjs"), r.client, fn.Handler)
			break
		}
	}
	l.Uses = append(l.Uses, filepath.Dir(r.client))
	// The newer client does not wait until an error of a stream has arrived. When
	// it asks for more before that, it is refused, or given the same event again;
	// this way one connection carries both, one behind the other.
	if strings.HasPrefix(fn.Handler, "streams.") && fn.MaxConcurrency == 0 {
		l.Env = append(l.Env, "AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1=true")
	}
	return l, nil
}

// handler names a row's handler where it is not found by the row's name.
func handler(name string) func(*lambda.Function) {
	return func(fn *lambda.Function) { fn.Handler = name }
}
