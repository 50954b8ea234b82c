package peers

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// deviation is one way in which lambkin means to differ. It names cases by
// what they are, so that another case of the same kind is named too, and says
// what lambkin answers instead: a case that it names and that is answered in a
// third way is a difference like any other.
type deviation struct {
	reason  string
	heading string // in docs/differences.md, where it is explained
	// names reports whether a case whose peer answered want is of this kind.
	names func(c *trial, want answer) bool
	// instead reports whether got is what lambkin means to answer.
	instead func(c *trial, want, got answer) bool
}

const (
	commandLine = "Command line and output"
	function    = "What the function sees"
	services    = "Services"
)

// deviations are all of them. A row ends when lambkin no longer differs: a
// test fails where a row names cases and all are equal.
var deviations = []deviation{
	// How runs end.
	{
		"a run that hangs ends: with AWS's timeout error, or after its answer", commandLine,
		func(_ *trial, want answer) bool { return want.Status == hung },
		func(_ *trial, want, got answer) bool {
			if got.Status == 0 {
				return want.Stdout != "" && got.Stdout == want.Stdout
			}
			e, before, ok := errorOf(got)
			return ok && before == want.Stdout && strings.Contains(e.Message, "Task timed out after ")
		},
	},
	{
		"an error thrown past the framework is an error object, too", commandLine,
		func(c *trial, want answer) bool {
			return !c.Python && want.Status == 1 && thrown.MatchString(want.Stdout)
		},
		func(_ *trial, want, got answer) bool {
			m := thrown.FindStringSubmatch(want.Stdout)
			e, before, ok := errorOf(got)
			return ok && before == m[1] && e.Message == m[3] && e.Type != ""
		},
	},
	{
		"rejecting with nothing is a failure", commandLine,
		func(c *trial, want answer) bool { return c.function() == "rejectundef" && want.Status == 0 },
		func(_ *trial, _, got answer) bool { _, before, ok := errorOf(got); return ok && before == "" },
	},
	{
		"Python: an error object instead of a traceback", commandLine,
		func(c *trial, want answer) bool {
			return c.Python && want.Status == 1 && strings.Contains(want.Stdout, " Exited with code ")
		},
		func(_ *trial, want, got answer) bool {
			e, before, ok := errorOf(got)
			if m := raised.FindStringSubmatch(want.Stdout); ok && m != nil && !strings.HasPrefix(e.Type, "Runtime.") {
				ok = strings.HasSuffix(m[1], e.Type) && e.Message == m[2]
			}
			return ok && strings.HasPrefix(want.Stdout, before)
		},
	},
	{
		"Python: what JSON lacks is an error, as on AWS, and not null", commandLine,
		func(c *trial, want answer) bool { return c.Python && want.Status == 0 && c.function() == "badjson" },
		func(_ *trial, _, got answer) bool {
			e, _, ok := errorOf(got)
			return ok && e.Type == "Runtime.MarshalError"
		},
	},

	// What is printed.
	{
		"Python: what goes to stderr stays there", commandLine,
		func(c *trial, want answer) bool {
			return c.Python && want.Status == 0 && slices.Contains([]string{"pr", "log", "logs"}, c.function())
		},
		func(_ *trial, want, got answer) bool {
			return got.Status == 0 && got.Stdout != "" && got.Stdout != want.Stdout && linesOf(got.Stdout, want.Stdout)
		},
	},
	{
		"Python: a long result is in one piece", commandLine,
		func(c *trial, want answer) bool { return c.Python && want.Status == 0 && len(want.Stdout) > 1<<16 },
		func(_ *trial, want, got answer) bool {
			joined := func(text string) string { return strings.ReplaceAll(text, "\n", "") }
			return got.Status == 0 && joined(got.Stdout) == joined(want.Stdout)
		},
	},
	{
		"a parser's own words", commandLine,
		func(_ *trial, want answer) bool { return want.Status == 1 && parser.MatchString(want.Stdout) },
		func(_ *trial, want, got answer) bool {
			return got.Status == 1 && strings.HasPrefix(got.Stdout, parser.FindString(want.Stdout))
		},
	},
	{
		"help in lambkin's own words", commandLine,
		func(c *trial, _ answer) bool {
			return slices.Contains(c.Args, "--help") || slices.Contains(c.Args, "-h")
		},
		func(_ *trial, want, got answer) bool {
			return got.Status == 0 && !slices.ContainsFunc(option.FindAllString(want.Stdout, -1), func(name string) bool {
				return !containerOrDashboard[strings.TrimSpace(name)] && !strings.Contains(got.Stdout, strings.TrimSpace(name))
			})
		},
	},

	// What is accepted.
	{
		"-c with something that is no service file is a context", commandLine,
		func(c *trial, want answer) bool {
			return strings.Contains(want.Stdout, `Invalid "--config" value: Unsupported`)
		},
		func(c *trial, _, got answer) bool { return got == contextAnswer(c.option("-c")) },
	},
	{
		"--skip-package is accepted", commandLine,
		func(_ *trial, want answer) bool { return strings.Contains(want.Stdout, `"--skip-package"`) },
		runs,
	},
	{
		"--docker-arg twice is accepted, and then wants a container engine", commandLine,
		func(_ *trial, want answer) bool {
			return strings.Contains(want.Stdout, `Unexpected multiple "--docker-arg"`)
		},
		func(_ *trial, _, got answer) bool {
			return got.Status == 1 && !strings.Contains(got.Stdout, "Unexpected") && strings.Contains(got.Stdout, "container engine")
		},
	},
	{
		"options of the dashboard are accepted", commandLine,
		func(_ *trial, want answer) bool {
			return strings.Contains(want.Stdout, "You are not currently logged in.")
		},
		runs,
	},
	{
		"--env NAME= sets NAME, and not a variable called NAME=", commandLine,
		func(c *trial, _ answer) bool { return emptied(&c.call) != "" },
		func(c *trial, want, got answer) bool {
			line := regexp.MustCompile(`^ *"` + emptied(&c.call) + `": `)
			return same(want, got, line) && strings.Contains(got.Stdout, `"`+emptied(&c.call)+`": ""`)
		},
	},
	{
		"options may stand before the command", commandLine,
		func(c *trial, want answer) bool { return want.Status == 1 && strings.HasPrefix(c.Args[0], "-") },
		runs,
	},
	{
		"a context is parsed, whatever the event is", commandLine,
		func(c *trial, want answer) bool {
			return json.Valid([]byte(c.option("--context"))) && strings.Contains(want.Stdout, `"raw": "{`)
		},
		func(c *trial, _, got answer) bool { return got == contextAnswer(c.option("--context")) },
	},
	{
		"--path wins over --data, as documented", commandLine,
		func(c *trial, want answer) bool {
			return c.option("-p")+c.option("--path") != "" && c.option("-d")+c.option("--data") != "" && want.Status == 0
		},
		func(c *trial, _, got answer) bool {
			if c.eventFile() == nil {
				return got.Status == 1 && strings.HasPrefix(got.Stdout, "Error:\nThe file you provided does not exist: ")
			}
			var event any
			var result map[string]any
			if json.Unmarshal(c.eventFile(), &event) != nil || json.Unmarshal([]byte(got.Stdout), &result) != nil {
				return false
			}
			return got.Status == 0 && slices.ContainsFunc(slices.Collect(maps.Values(result)), func(v any) bool { return reflect.DeepEqual(v, event) })
		},
	},
	{
		"bytes in YAML are text", commandLine,
		func(c *trial, _ answer) bool { return bytes.Contains(c.eventFile(), []byte("!!binary")) },
		func(_ *trial, want, got answer) bool { return same(want, got, binary) },
	},
	{
		"a context given by the user stands before the framework's own", function,
		func(c *trial, want answer) bool {
			custom := c.option("--context") + c.option("--contextPath") + c.option("-x")
			return !c.Python && custom != "" && strings.HasPrefix(want.Stdout, "{\n    \"o\": {")
		},
		func(_ *trial, want, got answer) bool {
			return same(want, got, timeLeft) && timeLeft.MatchString(strings.Split(got.Stdout, "\n")[strings.Count(got.Stdout, "\n")-2])
		},
	},
	{
		"members of a context may take the place of the framework's in Python, too", function,
		func(c *trial, want answer) bool {
			return c.Python && strings.Contains(want.Stdout, "object has no setter")
		},
		runs,
	},
	{
		"lambkin's own version", commandLine,
		func(c *trial, _ answer) bool {
			return slices.Contains(c.Args, "--version") || slices.Contains(c.Args, "-v")
		},
		func(_ *trial, _, got answer) bool {
			return got.Status == 0 && strings.HasPrefix(got.Stdout, "lambkin ")
		},
	},
	{
		"a handler without a function's name is told as such", services,
		func(c *trial, want answer) bool { return c.function() == "nodot" && want.Status == 1 },
		func(_ *trial, _, got answer) bool {
			return got.Status == 1 && strings.Contains(got.Stdout, "does not name a file and a function")
		},
	},
	{
		"a service for another provider is told as such", services,
		func(_ *trial, want answer) bool {
			return strings.HasPrefix(want.Stdout, "Error:\nServerless command \"invoke local\" not found.")
		},
		func(_ *trial, _, got answer) bool {
			return got.Status == 1 && strings.Contains(got.Stdout, "not for AWS")
		},
	},
	{
		"the function's time is limited", commandLine,
		func(c *trial, want answer) bool { return c.function() == "timeoutover" && want.Status == 0 },
		func(_ *trial, _, got answer) bool {
			e, before, ok := errorOf(got)
			return ok && before == "" && strings.Contains(e.Message, "Task timed out after ")
		},
	},
	{
		"a list of one in a file stays a list", commandLine,
		func(c *trial, want answer) bool {
			return want.Status == 0 && bytes.HasPrefix(c.eventFile(), []byte("[")) && strings.Contains(want.Stdout, `"type": `) && !strings.Contains(want.Stdout, `"type": "object"`)
		},
		func(c *trial, _, got answer) bool {
			return got == answer{0, indent(`{"type":"object","e":` + string(c.eventFile()) + `}`)}
		},
	},
	{
		"--env takes more than one line", commandLine,
		func(c *trial, _ answer) bool {
			return slices.ContainsFunc(c.Args, func(arg string) bool { return strings.Contains(arg, "=") && strings.Contains(arg, "\n") })
		},
		func(c *trial, _, got answer) bool {
			i := slices.IndexFunc(c.Args, func(arg string) bool { return strings.Contains(arg, "\n") })
			_, value, _ := strings.Cut(c.Args[i], "=")
			text, _ := json.Marshal(value)
			return got.Status == 0 && bytes.Contains([]byte(got.Stdout), text)
		},
	},

	// Services.
	{
		"handlers in .mjs and .ts files load", services,
		func(c *trial, want answer) bool {
			return slices.Contains([]string{"mjs", "ts"}, c.function()) && strings.Contains(want.Stdout, "Exception encountered when loading ")
		},
		runs,
	},
	{
		"intrinsics and other objects in the environment are resolved or passed as JSON text", services,
		func(_ *trial, want answer) bool {
			return strings.HasPrefix(want.Stdout, "Error:\nCould not resolve \"")
		},
		runs,
	},
	{
		"runtimes that would need Docker or are not there: run, or a plain error", services,
		func(c *trial, want answer) bool {
			return c.Dir == "cf" && slices.Contains([]string{"go", "gox", "dn", "jv", "rb"}, c.function())
		},
		func(_ *trial, _, got answer) bool {
			_, _, failed := errorOf(got)
			return got.Status == 0 || failed || got.Status == 1 && strings.HasPrefix(got.Stdout, "Error:\n") && !strings.Contains(got.Stdout, "Docker")
		},
	},
	{
		"what concerns others is no obstacle: their variables, plugins, versions, profiles", services,
		func(c *trial, want answer) bool {
			return want.Status == 1 && others.MatchString(want.Stdout) && c.option("--aws-profile") == ""
		},
		runs,
	},
	{
		"only variables that the function needs are told of", services,
		func(_ *trial, want answer) bool { return unresolved.MatchString(want.Stdout) },
		func(_ *trial, want, got answer) bool {
			head := unresolved.FindString(want.Stdout)
			told, ok := strings.CutPrefix(got.Stdout, head)
			each := func(list string) string { return strings.ReplaceAll(list, ",\n", "\n") }
			return ok && got.Status == 1 && told != "" && linesOf(each(told), each(strings.TrimPrefix(want.Stdout, head)))
		},
	},
	{
		"service: {name: x} and self:provider.stage are understood", services,
		func(c *trial, want answer) bool {
			return want.Status == 1 && (c.Dir == "cfg/stagedef" || strings.Contains(want.Stdout, `Object notation for "service" property`))
		},
		runs,
	},

	// What functions see.
}

var (
	thrown = regexp.MustCompile(`(?s)^(.*?)Error:\n(\w*): ([^\n]*)\n(?:    at |$)`)
	raised = regexp.MustCompile(`\n([\w.]+): ([^\n]*)\nError:\nError: `)
	parser = regexp.MustCompile(`^Error:\n(Cannot parse "[^"]*"|Parsing of "[^"]*" failed with): `)
	option = regexp.MustCompile(`(?m)^--[a-zA-Z-]+ `)
	others = regexp.MustCompile(`variable at "functions\.other\.|does not satisfy the "frameworkVersion"|^Error:\nServerless plugin "|^Error:\nPlugin "|^Error:\nAWS profile "`)

	unresolved = regexp.MustCompile(`^Error:\nCannot resolve [^\n]*: Variables resolution errored with:\n`)

	binary   = regexp.MustCompile(`^ {8}"i": |^ {12}"[01]": |^ {8}\},$`)
	timeLeft = regexp.MustCompile(`^    "rem": true$`)

	// containerOrDashboard are options whose help lambkin can do without.
	containerOrDashboard = map[string]bool{"--app": true, "--org": true, "--use-local-credentials": true, "--preserve-runtime-env": true}
)

// emptied is the variable that --env sets to nothing, "" without one.
func emptied(c *call) string {
	for i, arg := range c.Args {
		if name, ok := strings.CutSuffix(arg, "="); ok && i > 0 && (c.Args[i-1] == "-e" || c.Args[i-1] == "--env") {
			return name
		}
	}
	return ""
}

// runs reports that the function has run where the peer ran none.
func runs(_ *trial, _, got answer) bool {
	return got.Status == 0 && json.Valid([]byte(got.Stdout))
}

// errorObject is how a failure of the function is printed.
type errorObject struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

// errorOf takes the error object from the end of an answer with status 1;
// before is what the function had printed.
func errorOf(a answer) (e errorObject, before string, ok bool) {
	i := strings.LastIndex("\n"+a.Stdout, "\n{\n    \"errorMessage\": ")
	if a.Status != 1 || i < 0 {
		return e, "", false
	}
	return e, a.Stdout[:i], json.Unmarshal([]byte(a.Stdout[i:]), &e) == nil
}

// linesOf reports whether all lines of part are lines of all, in that order.
func linesOf(part, all string) bool {
	rest := strings.Split(all, "\n")
	for _, line := range strings.Split(part, "\n") {
		i := slices.Index(rest, line)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return true
}

// same compares objects as they are printed, but for the members that except
// matches; their order does not count.
func same(want, got answer, except *regexp.Regexp) bool {
	members := func(text string) []string {
		lines := strings.Split(text, "\n")
		lines = slices.DeleteFunc(lines, except.MatchString)
		for i := range lines {
			lines[i] = strings.TrimSuffix(lines[i], ",")
		}
		slices.Sort(lines)
		return lines
	}
	return want.Status == got.Status && slices.Equal(members(want.Stdout), members(got.Stdout))
}

// contextAnswer is what the fixtures' function ctx makes of a context.
func contextAnswer(context string) answer {
	return answer{0, indent(`{"o":` + context + `,"rem":true}`)}
}

func indent(text string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(strings.TrimSpace(text)), "", "    "); err != nil {
		return text
	}
	return b.String() + "\n"
}

// function is the one that is invoked.
func (c *call) function() string {
	if name := c.option("-f"); name != "" {
		return name
	}
	return c.option("--function")
}

// option is the value of an option, "" without it.
func (c *call) option(name string) string {
	for i, arg := range c.Args {
		if value, ok := strings.CutPrefix(arg, name+"="); ok {
			return value
		}
		if arg == name && i+1 < len(c.Args) {
			return c.Args[i+1]
		}
	}
	return ""
}

// eventFile is the text of the event's file, empty without one.
func (c *trial) eventFile() []byte {
	name := c.option("-p")
	if name == "" {
		name = c.option("--path")
	}
	data, err := os.ReadFile(filepath.Join(c.files, filepath.FromSlash(c.Dir), filepath.FromSlash(name)))
	if name == "" || err != nil {
		return nil
	}
	return data
}

func TestDeviationsAreExplained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "differences.md"))
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, line := range strings.Split(string(page), "\n") {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			headings[heading] = true
		}
	}
	for _, d := range deviations {
		if !headings[d.heading] {
			t.Errorf("%s: docs/differences.md has no heading %q, only %q", d.reason, d.heading, slices.Sorted(maps.Keys(headings)))
		}
	}
}
