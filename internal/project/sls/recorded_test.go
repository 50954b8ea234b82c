package sls

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// recording is one run of the framework over one of the fixtures.
type recording struct {
	ID     string
	Dir    string
	Args   []string
	Env    map[string]string
	RC     any
	Stdout string
}

// run is what the arguments of a recording mean.
func (r *recording) run() (function, config string, opts project.Options) {
	opts = project.Options{Env: r.Env, Flags: map[string]string{}, Parameters: map[string]string{}}
	flags := map[string]string{"-f": "function", "-s": "stage", "-r": "region", "-c": "config"}
	for i := 2; i < len(r.Args); i++ {
		name, value, ok := strings.Cut(r.Args[i], "=")
		if !ok && i+1 < len(r.Args) {
			i++
			value = r.Args[i]
		}
		if long := flags[name]; long != "" {
			name = "--" + long
		}
		name = strings.TrimPrefix(name, "--")
		if name == "param" {
			key, v, _ := strings.Cut(value, "=")
			opts.Parameters[key] = v
			continue
		}
		opts.Flags[name] = value
	}
	opts.Stage, opts.Region, opts.Only = opts.Flags["stage"], opts.Flags["region"], opts.Flags["function"]
	return opts.Only, opts.Flags["config"], opts
}

// deviations are the recordings in which lambkin differs on purpose, or which
// another package answers for.
var deviations = map[string]string{
	"cf-join":            "Fn::Join of texts is resolved",
	"cf-reftag":          "an unknown Ref is a warning",
	"cf-obj":             "a map is passed as JSON text",
	"cf-img":             "the dialect refuses images",
	"cfg-image":          "the dialect refuses images",
	"cfg-stagedef-flag":  "self:provider.stage has a default",
	"cfg-v-unrelated":    "another function's variable is not looked up",
	"cfg-v-unrelatedssm": "another function's variable is not looked up",
	"cfg-jsasync":        "services in JavaScript are not read yet",
	"vars-param-bad":     "the dialect checks --param",
	"cfg-fnfile":         "the caller says that there is no such function",
	"cfg-custom-sub":     "the dialect checks --config",
	"cfg-custom-missing": "the dialect checks --config",
}

// TestRecordedRunsOfTheFramework loads the fixtures as the framework did and
// compares the variables that the handlers printed, and which runs failed.
func TestRecordedRunsOfTheFramework(t *testing.T) {
	cases := os.Getenv("LAMBKIN_CASES")
	if cases == "" {
		t.Skip("LAMBKIN_CASES does not name a folder with fixtures and cases.v340.jsonl")
	}
	data, err := os.ReadFile(filepath.Join(cases, "cases.v340.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if kind, _, _ := strings.Cut(r.Dir, "/"); kind != "vars" && kind != "cfg" && kind != "cf" {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			if why := deviations[r.ID]; why != "" {
				t.Skip(why)
			}
			r.check(t, filepath.Join(cases, "fixtures", filepath.FromSlash(r.Dir)))
		})
	}
}

func (r *recording) check(t *testing.T, dir string) {
	function, config, opts := r.run()
	l := Loader{Now: func() time.Time { return time.UnixMilli(1) }}
	file := filepath.Join(dir, config)
	if config == "" {
		_, file = project.Find([]project.Loader{l}, dir)
	}
	p, diags := l.Load(t.Context(), file, opts)
	failed := diags.For(function).HasErrors()
	if r.Dir == "vars" {
		failed = false // three of its variables come from JavaScript
	}
	if want := r.RC != float64(0); failed != want {
		t.Fatalf("failed: %v, want %v: %v", failed, want, diags)
	}
	if failed {
		return
	}
	fn, _ := project.Lookup(p, function)
	if fn == nil {
		t.Fatalf("no function %q: %v", function, diags)
	}
	r.compare(t, fn, diags.For(function))
}

// compare checks the output of the fixtures' handlers: a variable, or an
// object of variables or of facts of the function.
func (r *recording) compare(t *testing.T, fn *lambda.Function, diags diag.List) {
	env := map[string]string{}
	for _, v := range fn.Environment {
		env[v.Name] = v.Value
	}
	want, got := map[string]any{}, map[string]any{}
	out := strings.TrimSpace(r.Stdout)
	switch {
	case out == "":
	case out[0] == '"':
		var v string
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err)
		}
		if v == "<undef>" {
			if _, ok := env["V"]; ok {
				t.Errorf("V is %q, want it away", env["V"])
			}
			return
		}
		want["V"], got["V"] = v, env["V"]
	default:
		if err := json.Unmarshal([]byte(out), &want); err != nil {
			t.Fatal(err)
		}
		facts := map[string]string{"fn": fn.Name, "name": fn.Name, "v": env["V"]}
		for name := range want {
			switch {
			case strings.HasPrefix(name, "V_"):
				got[name] = env[name]
			case facts[name] != "":
				got[name] = facts[name]
			default:
				delete(want, name) // a fact of the execution environment
			}
		}
	}
	for _, scripted := range []string{"V_JS", "V_JSFN", "V_JSPROM", "V_JSREGION", "V_INST"} {
		delete(want, scripted)
		delete(got, scripted)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%v", diff, diags)
	}
}
