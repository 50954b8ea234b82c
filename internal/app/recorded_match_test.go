package app_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// normalised says what is not compared as it is.
const normalised = `Compared are all members of all answers, after this:
  <name> in a recording stands for what differs from run to run: text of the form that belongs to it, the same
  wherever a recording has the same mark, and another where it has another; stack traces: that there is one
  the account 123456789012 is the recordings' 111111111111
  the function's own folders are AWS's: LAMBDA_TASK_ROOT is /var/task, LAMBDA_RUNTIME_DIR is /var/runtime
  headers and request ids of HTTP, which the recordings lack`

// finding is one thing about a case.
type finding struct {
	text string
	row  string // the row of docs/differences.md that explains it, "" for none
	note bool   // it is no difference
}

func (f finding) String() string {
	if f.row != "" {
		return f.text + " [" + f.row + "]"
	}
	return f.text
}

// matcher compares recorded values with what has come.
type matcher struct {
	bound    map[string]string // what marks stand for
	folders  *strings.Replacer
	findings []finding
}

func newMatcher(dir string) *matcher {
	m := &matcher{bound: map[string]string{}}
	var pairs []string
	for _, name := range []string{"node", "python", "ruby", "java", "own"} {
		pairs = append(pairs, dir+"/"+name, "/var/task")
	}
	m.folders = strings.NewReplacer(append(pairs, "123456789012", "111111111111")...)
	return m
}

// environment learns where the function's own folders are.
func (m *matcher) environment(vars any) {
	env, _ := vars.(map[string]any)
	task, _ := env["LAMBDA_TASK_ROOT"].(string)
	runtime, _ := env["LAMBDA_RUNTIME_DIR"].(string)
	if task != "" && runtime != "" {
		m.folders = strings.NewReplacer(task, "/var/task", runtime, "/var/runtime", "123456789012", "111111111111")
	}
}

func (m *matcher) note(format string, args ...any) {
	m.findings = append(m.findings, finding{text: fmt.Sprintf(format, args...), note: true})
}

func (m *matcher) differ(path string, want, got any) {
	f := finding{text: fmt.Sprintf("%s: AWS %v, lambkin %v", path, told(want), told(got))}
	for _, d := range deviations {
		if d.path.MatchString(path) && (d.only == nil || d.only(want, got)) {
			f.row = d.row
			break
		}
	}
	m.findings = append(m.findings, f)
}

// told is a value in a message; a member that is not there is none.
func told(v any) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprintf("%q", fmt.Sprint(v))
}

// match compares a value at a path.
func (m *matcher) match(path string, want, got any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			m.differ(path, want, got)
			return
		}
		names := slices.Sorted(maps.Keys(w))
		for name := range g {
			if _, known := w[name]; !known {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			m.match(strings.TrimPrefix(path+"."+name, "."), w[name], g[name])
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			m.differ(path, want, got)
			return
		}
		for i := range w {
			m.match(fmt.Sprintf("%s[%d]", path, i), w[i], g[i])
		}
	case string:
		m.text(path, w, got)
	default:
		if want != got {
			m.differ(path, want, got)
		}
	}
}

var mark = regexp.MustCompile(`<[a-z0-9_-]+(?::\d+)?>`)

const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`

// forms are the texts that marks stand for.
var forms = map[string]string{
	"uuid": uuid, "request-id": uuid, "timeout_error_msg": uuid,
	"region": `[a-z]{2}-[a-z]+-\d`, "partition": `aws`, "function-name": `[A-Za-z0-9-]+`,
	"log-stream-name":          `\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}`,
	"x-amzn-trace-id":          `Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]`,
	"remaining-time-in-millis": `\d+`, "deadline": `\d{13}`, "duration": `\d+(?:\.\d\d)?`, "memory": `\d+`,
	"aws-access-key-id": `[A-Z0-9]+`, "aws-secret-access-key": `.+`, "aws-session-token": `.+`,
}

// text compares a recorded text, which may hold marks.
func (m *matcher) text(path, want string, got any) {
	if want == "<stack-trace>" {
		if trace, ok := got.([]any); !ok || len(trace) == 0 {
			m.differ(path, "a stack trace", got)
		}
		return
	}
	g, ok := got.(string)
	if !ok {
		m.differ(path, want, got)
		return
	}
	g = m.folders.Replace(g)
	if want == "log-result" {
		return // its lines are compared
	}
	want = strings.Replace(want, "date\t", "<date>\t", 1)
	pattern, last := "^", 0
	var marks []string
	for _, at := range mark.FindAllStringIndex(want, -1) {
		name := strings.Trim(want[at[0]:at[1]], "<>")
		kind, _, numbered := strings.Cut(name, ":")
		form := forms[kind]
		if kind == "date" {
			form = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
		}
		if form == "" {
			form = `.+?`
		}
		if !numbered && kind != "region" && kind != "request-id" {
			name = ""
		}
		marks = append(marks, name)
		pattern += regexp.QuoteMeta(want[last:at[0]]) + "(" + form + ")"
		last = at[1]
	}
	found := regexp.MustCompile("(?s)" + pattern + regexp.QuoteMeta(want[last:]) + "$").FindStringSubmatch(g)
	if found == nil {
		m.differ(path, want, g)
		return
	}
	for i, name := range marks {
		m.bind(path, name, found[i+1])
	}
}

// bind notes what a mark stands for: always the same, and nothing that another
// mark of its kind stands for.
func (m *matcher) bind(path, name, value string) {
	if name == "" {
		return
	}
	if before, known := m.bound[name]; known {
		if before != value {
			m.differ(path, "<"+name+"> as before, "+before, value)
		}
		return
	}
	kind, _, _ := strings.Cut(name, ":")
	for other, have := range m.bound {
		if otherKind, _, _ := strings.Cut(other, ":"); otherKind == kind && have == value {
			m.differ(path, "<"+name+"> unlike <"+other+">", value)
		}
	}
	m.bound[name] = value
}

// deviations are differences that are meant, each with its row in
// docs/differences.md.
var deviations = []struct {
	path *regexp.Regexp
	row  string
	only func(want, got any) bool // nil for any difference
}{
	{regexp.MustCompile(`^environment\.AWS_LAMBDA_RUNTIME_API$`), "`AWS_LAMBDA_RUNTIME_API`", nil},
	{regexp.MustCompile(`^environment\.(LD_LIBRARY_|NODE_|GEM_)?PATH$|^environment\.RUBYLIB$`), "search paths", here},
	{regexp.MustCompile(`^environment\.DOTNET_ROOT$`), "`DOTNET_ROOT`", func(_, got any) bool { dir, ok := got.(string); return ok && filepath.IsAbs(dir) }},
	{regexp.MustCompile(`^environment\._LAMBDA_TELEMETRY_LOG_FD$`), "`_LAMBDA_TELEMETRY_LOG_FD`", func(_, got any) bool { return got == nil }},
	{regexp.MustCompile(`^environment\.LC_CTYPE$`), "`LC_CTYPE` of Ruby", func(want, got any) bool { return want == nil && got == "C.UTF-8" }},
	{regexp.MustCompile(`^environment\.LC_ALL$`), "`LC_ALL` of Java", func(want, got any) bool { return want == nil && got == "C.UTF-8" }},
}

// here reports whether two lists of folders have the same in the same order,
// but for the interpreter's, layers' and the machine's.
func here(want, got any) bool {
	w, _ := want.(string)
	g, _ := got.(string)
	have := strings.Split(g, ":")
	for _, dir := range strings.Split(w, ":") {
		if strings.HasPrefix(dir, "/var/lang") || strings.HasPrefix(dir, "/opt") || strings.HasPrefix(dir, "/var/runtime/gems/aws_lambda_ric") {
			continue
		}
		i := slices.Index(have, dir)
		if i < 0 {
			return false
		}
		have = have[i+1:]
	}
	return w != "" && g != ""
}
