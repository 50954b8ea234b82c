package app_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/lambkin-dev/lambkin/internal/app"
)

// TestRecordedAnswers repeats requests whose answers AWS's own service gave,
// with the functions of testdata/recorded, and compares the answers. It prints
// a table. LAMBKIN_RECORDED names the folder with the recordings. A difference
// must have a row in docs/differences.md; see recorded_match_test.go.
func TestRecordedAnswers(t *testing.T) {
	dir := os.Getenv("LAMBKIN_RECORDED")
	if dir == "" {
		t.Skip("LAMBKIN_RECORDED names no folder with recorded answers")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no recordings in %s: %v", dir, err)
	}
	r := newReplay(t)
	var cases []recordedCase
	for _, file := range files {
		cases = append(cases, r.cases(t, file)...)
	}
	r.run(t, cases)
	report(t, cases)
}

// recordedCase is one recorded request, or several that belong together.
type recordedCase struct {
	name  string
	want  map[string]any // the recorded answers
	calls []call         // how they are made again, in the order of keys
	keys  []string
	// instead says why the case is not run.
	instead string

	findings []finding
}

// call is one request to the SDK.
type call struct {
	Function string         `json:"function"`
	Args     map[string]any `json:"args"`
	Event    any            `json:"event"`
	// Of is the function's configuration in the template.
	Of string `json:"-"`
}

// replay makes the functions for the cases.
type replay struct {
	dir     string
	missing map[string]string // why a language cannot be run
}

func newReplay(t *testing.T) *replay {
	r := &replay{dir: t.TempDir(), missing: map[string]string{"dotnet": "AWS's client for .NET is not to be had here; TestTheEnvironmentOfDotnetIsTheRecordedOne has the environment"}}
	if err := os.CopyFS(r.dir, os.DirFS(filepath.Join("testdata", "recorded"))); err != nil {
		t.Fatal(err)
	}
	for language, program := range map[string]string{"nodejs": "node", "python": "python3", "ruby": "ruby", "java": "javac", "provided": "go"} {
		if _, err := exec.LookPath(program); err != nil {
			r.missing[language] = "this machine has no " + program
		}
	}
	home, _ := os.UserHomeDir()
	if jars, _ := filepath.Glob(filepath.Join(home, ".m2/repository/com/amazonaws/aws-lambda-java-core/*/*core-?.?.?.jar")); len(jars) == 0 {
		r.missing["java"] = cmp.Or(r.missing["java"], "Maven's repository has no aws-lambda-java-core")
	} else if r.missing["java"] == "" {
		build(t, filepath.Join(r.dir, "java"), "javac", "--release", "8", "-nowarn", "-cp", jars[0], "-d", ".", filepath.Join("echo", "Handler.java"))
	}
	if r.missing["provided"] == "" {
		build(t, filepath.Join(r.dir, "own"), "go", "build", "-o", "bootstrap", "main.go")
	}
	return r
}

func build(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// cases are those of one file.
func (r *replay) cases(t *testing.T, file string) (out []recordedCase) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		What     string
		Answers  map[string]map[string]any
		Runtimes map[string]map[string]any
	}
	if err := json.Unmarshal(data, &content); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	base := strings.TrimSuffix(filepath.Base(file), ".json")
	for _, name := range slices.Sorted(maps.Keys(content.Runtimes)) {
		out = append(out, r.ofRuntime(base, name, content.Runtimes[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(content.Answers)) {
		c := recordedCase{name: base + " " + name, want: content.Answers[name]}
		make, known := requests[name]
		switch {
		case base != "invoke":
			c.instead = "not replayed yet: " + content.What
		case strings.Contains(name, "lambda_url"):
			c.instead = "not replayed yet: function URLs"
		case name == "test_runtime_introspection_x86":
			c.instead = "it looks at AWS's own system: row \"files\" of docs/differences.md"
		case !known:
			c.instead = "nobody has written a function for it"
		default:
			c.keys, c.calls = make()
			c.instead = r.missing[language(c.calls[0].Of)]
		}
		out = append(out, c)
	}
	return out
}

// language is that of a function's configuration or runtime.
func language(of string) string {
	_, runtime, _ := strings.Cut(of, "Runtime: ")
	return strings.TrimRight(strings.SplitN(cmp.Or(runtime, of), ",", 2)[0], "0123456789.xal")
}

// ofRuntime is a case of a file with one answer for each runtime.
func (r *replay) ofRuntime(file, runtime string, want map[string]any) recordedCase {
	c := recordedCase{name: file + " " + runtime, want: want}
	lang := strings.TrimRight(runtime, "0123456789.x")
	if strings.HasPrefix(runtime, "provided") {
		lang = "provided"
	}
	c.instead = r.missing[lang]
	code := map[string][2]string{
		"nodejs": {"node", "index.handler"}, "python": {"python", "handler.handler"}, "ruby": {"ruby", "function.handler"},
		"java": {"java", "echo.Handler"}, "provided": {"own", "function.handler"},
	}[lang]
	of := fmt.Sprintf("CodeUri: %s, Handler: %s, Runtime: %s, Timeout: 30, MemorySize: 1024, Environment: {Variables: {TEST_KEY: TEST_VAL}}", code[0], code[1], runtime)
	switch file {
	case "introspection":
		c.keys = []string{"", "qualified_ctx"}
		c.calls = []call{{Of: of}, {Of: of, Args: map[string]any{"Qualifier": "$LATEST"}}}
	case "uncaught_exception":
		c.keys, c.calls = []string{""}, []call{{Of: of, Event: map[string]any{"error_msg": "some_error_msg"}}}
	default:
		c.instead = "nobody has written a function for it"
	}
	return c
}

// requests say how the cases of invoke.json are made.
var requests = map[string]func() ([]string, []call){
	"test_invocation_type_event[python3.10]":                         one("invoke-result", python("handler.nothing", 3), map[string]any{"InvocationType": "Event"}),
	"test_invocation_type_no_return_payload[python-RequestResponse]": one("invoke-result", python("handler.nothing", 3), nil),
	"test_invocation_with_logs[nodejs16.x]":                          one("invoke", node16("index.logs"), map[string]any{"LogType": "Tail"}),
	"test_lambda_handler_error":                                      one("invocation_error", python("lambda_handler_error.handler", 3), nil),
	"test_lambda_invoke_with_timeout":                                one("invoke-result", python("handler.sleeps", 1), nil),
	"test_lambda_runtime_exit":                                       one("invocation_error", python("handler.exits", 3), nil),
	"test_lambda_with_context": one("invocation", node16("index.context"), map[string]any{
		"ClientContext": "eyJjdXN0b20iOiB7ImZvbyI6ICJiYXIifSwgImNsaWVudCI6IHsic25hcCI6IFsiY3JhY2tsZSIsICJwb3AiXX0sICJlbnYiOiB7ImZpenoiOiAiYnV6eiJ9fQ==",
	}),
	"test_lambda_too_large_response": func() ([]string, []call) {
		of := python("handler.large", 20)
		return []string{"invoke_result", "invoke_result_2"}, []call{{Of: of}, {Of: of}}
	},
	"test_invoke_exceptions": func() ([]string, []call) {
		return []string{"invoke_function_doesnotexist"}, []call{{Function: "doesnotexist"}}
	},
}

func one(key, of string, args map[string]any) func() ([]string, []call) {
	return func() ([]string, []call) { return []string{key}, []call{{Of: of, Args: args}} }
}

func python(handler string, timeout int) string {
	return fmt.Sprintf("CodeUri: python, Handler: %s, Timeout: %d, Runtime: python3.12", handler, timeout)
}

func node16(handler string) string {
	return fmt.Sprintf("CodeUri: node, Handler: %s, Timeout: 20, Runtime: nodejs16.x", handler)
}

// run makes the requests, with AWS's SDK, and compares the answers.
func (r *replay) run(t *testing.T, cases []recordedCase) {
	template := "Transform: AWS::Serverless-2016-10-31\nResources:\n"
	names := map[string]string{}
	var calls []call
	for i := range cases {
		c := &cases[i]
		if c.instead != "" {
			continue
		}
		for n := range c.calls {
			one := &c.calls[n]
			if one.Args == nil {
				one.Args = map[string]any{}
			}
			if one.Function == "" {
				if names[one.Of] == "" {
					names[one.Of] = fmt.Sprintf("Function%d", len(names))
					template += fmt.Sprintf("  %s: {Type: AWS::Serverless::Function, Properties: {%s}}\n", names[one.Of], one.Of)
				}
				one.Function = names[one.Of]
			}
			calls = append(calls, *one)
		}
	}
	if err := os.WriteFile(filepath.Join(r.dir, "template.yaml"), []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	s := serve(t, nil, func(o *app.ServiceOptions, _ *app.LambdaAPI) {
		o.File = filepath.Join(r.dir, "template.yaml")
		maps.Copy(o.Env, map[string]string{"AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"})
	})
	todo := filepath.Join(t.TempDir(), "calls.json")
	data, err := json.Marshal(calls)
	if err == nil {
		err = os.WriteFile(todo, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	answers, ok := s.python(t, replayer, todo).([]any)
	if !ok || len(answers) != len(calls) {
		t.Fatalf("%d answers for %d calls", len(answers), len(calls))
	}
	for i := range cases {
		if c := &cases[i]; c.instead == "" {
			c.compare(r.dir, answers[:len(c.calls)])
			answers = answers[len(c.calls):]
		}
	}
}

// replayer makes the calls. What the SDK adds of its own is left out.
const replayer = `
def text(payload):
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode()

out = []
for c in json.load(open(sys.argv[2])):
    try:
        r = aws.invoke(FunctionName=c['function'], Payload=json.dumps(c['event'] or {}), **c['args'])
        r['Payload'] = text(r['Payload'].read())
        if r['Payload'] is None:
            r['Payload'] = 'null'
    except ClientError as e:
        r = e.response
    r['ResponseMetadata'] = {'HTTPHeaders': {}, 'HTTPStatusCode': r['ResponseMetadata']['HTTPStatusCode']}
    if 'LogResult' in r:
        r['logs'] = base64.b64decode(r.pop('LogResult')).decode().splitlines(keepends=True)
        r['LogResult'] = 'log-result'
    out.append(r)
print(json.dumps(out))
`

// compare looks at the answers of a case.
func (c *recordedCase) compare(dir string, answers []any) {
	m := newMatcher(dir)
	for i, key := range c.keys {
		got := answers[i].(map[string]any)
		if strings.HasPrefix(c.name, "introspection ") {
			c.introspected(m, key, got)
			continue
		}
		want := any(c.want)
		if key != "" {
			want = c.want[key]
		}
		if lines, ok := got["logs"]; ok {
			m.match("logs", c.want["logs"].(map[string]any)["logs"], lines)
			delete(got, "logs")
		}
		m.match(key, want, got)
	}
	for _, key := range slices.Sorted(maps.Keys(c.want)) {
		if c.keys[0] != "" && key != "logs" && !slices.Contains(c.keys, key) {
			m.note("%s: not replayed: lambkin does not make functions", key)
		}
	}
	c.findings = m.findings
}

// introspected compares what a function saw: handler and memory are what it
// was told, and stand in the environment, too.
func (c *recordedCase) introspected(m *matcher, key string, answer map[string]any) {
	payload, ok := answer["Payload"].(map[string]any)
	if !ok || payload["ctx"] == nil {
		m.differ("Payload", "an object with ctx and environment", answer["Payload"])
		return
	}
	m.environment(payload["environment"])
	if key != "" {
		m.match(key, c.want[key], payload["ctx"])
		return
	}
	m.match("ctx", c.want["ctx"], payload["ctx"])
	m.match("environment", c.want["environment"], payload["environment"])
}

// report prints the table, and fails where something differs without a reason.
func report(t *testing.T, cases []recordedCase) {
	docs, err := os.ReadFile(filepath.FromSlash("../../docs/differences.md"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	count := map[string]int{}
	for _, c := range cases {
		status := "equal"
		for _, f := range c.findings {
			switch {
			case f.row == "" && !f.note:
				status = "differs"
				t.Errorf("%s: %s", c.name, f.text)
			case f.row != "" && status == "equal":
				status = "deviation"
			}
			if f.row != "" && !strings.Contains(string(docs), "| "+f.row+" |") {
				t.Errorf("%s: docs/differences.md has no row %q", c.name, f.row)
			}
		}
		if c.instead != "" {
			status = "not run"
		}
		count[status]++
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.name, status, c.instead)
		for _, f := range c.findings {
			fmt.Fprintf(w, "\t\t%s\n", f)
		}
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&b, "\n%s\n%d cases: %d equal, %d with explained deviations only, %d differ, %d not run\n",
		normalised, len(cases), count["equal"], count["deviation"], count["differs"], count["not run"])
	t.Log("\n" + b.String())
}
