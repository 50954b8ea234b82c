package peers

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// perRun are the parts of an answer that no two runs have in common, or that
// say what ran the function and not what it did. Each is replaced in all
// answers; what is not in this table is compared byte for byte.
var perRun = []struct {
	name, why string
	find      *regexp.Regexp
	put       string
}{
	{"uuid", "request ids are random", regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "<UUID>"},
	{
		"log stream", "its date is today's; lambkin's ends in random digits, as AWS's does",
		regexp.MustCompile(`\d{4}/\d\d/\d\d/\[(\$LATEST|HEAD)\][0-9a-f]{26,32}`), "<DATE>/[$1]<HEX>",
	},
	{"created", "the time at which a Python context was made", regexp.MustCompile(`"created": \d+(\.\d+)?`), `"created": "<TIME>"`},
	{"instance", "${sls:instanceId} is the time in milliseconds", regexp.MustCompile(`\b1[6-9]\d{11}\b`), "<MILLISECONDS>"},
	{
		"frames", "below the handler, stacks show who called it: the framework or lambkin, and Node.js itself",
		regexp.MustCompile(`,?\n *"?    at ([^\n]*(<FRAMEWORK>|<BOOTSTRAP>|\(node:)|node:|new Promise \(<anonymous>\))[^\n"]*"?`), "",
	},
}

// places are folders of one machine and what stands for them.
var places = []struct {
	why  string
	find *regexp.Regexp
	put  string
}{
	{"the framework's own files", regexp.MustCompile(`(file://)?/[^\s"'()]*/node_modules/(serverless|osls)/[^\s"'():]*`), "<FRAMEWORK>"},
	{"lambkin's own files", regexp.MustCompile(`(file://)?/[^\s"'()]*/lambkin/runtime/[^\s"'():]*`), "<BOOTSTRAP>"},
}

// local puts ROOT in the place of root. It comes first: the rest is the same
// on all machines.
func (c *call) local(text, root string) string {
	if real, err := filepath.EvalSymlinks(root); err == nil {
		text = strings.ReplaceAll(text, real, rootMark)
	}
	return strings.ReplaceAll(text, root, rootMark)
}

// normal is an answer without what is per run; root is where it ran, "" if
// that has been replaced already.
func (c *call) normal(a answer, root string) answer {
	if root != "" {
		a.Stdout = c.local(a.Stdout, root)
	}
	for _, p := range places {
		a.Stdout = p.find.ReplaceAllString(a.Stdout, p.put)
	}
	for _, p := range perRun {
		a.Stdout = p.find.ReplaceAllString(a.Stdout, p.put)
	}
	a.Stdout = sortedEnvironment(a.Stdout)
	if c.Python {
		// The framework ends each piece of output that it reads from a Python
		// process with a line feed of its own, and where pieces end is chance.
		a.Stdout = emptyLines.ReplaceAllString(a.Stdout, "\n")
	}
	return a
}

var (
	emptyLines  = regexp.MustCompile(`\n{2,}`)
	environment = regexp.MustCompile(`\{\n(    "\w+": "[^\n]*",?\n)+\}`)
)

// sortedEnvironment orders the variables where a function prints all that it
// has: a process has them in no order.
func sortedEnvironment(text string) string {
	return environment.ReplaceAllStringFunc(text, func(object string) string {
		if !strings.Contains(object, `"AWS_LAMBDA_FUNCTION_VERSION"`) {
			return object
		}
		lines := strings.Split(strings.Trim(object, "{}\n"), "\n")
		for i := range lines {
			lines[i] = strings.TrimSuffix(lines[i], ",")
		}
		slices.Sort(lines)
		return "{\n" + strings.Join(lines, ",\n") + "\n}"
	})
}

// TestNormalisation keeps the table above from taking more than it says.
func TestNormalisation(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a root", `"/tmp/x/copy/h.js"`, `"<ROOT>/h.js"`},
		{"a request id", `"id": "0a1b2c3d-0000-4000-8000-0123456789ab"`, `"id": "<UUID>"`},
		{"other digits", `"id": "1234567890", "big": 123456789012345680000`, `"id": "1234567890", "big": 123456789012345680000`},
		{"a log stream", "2026/11/22/[$LATEST]58419525dade4d17a495dceeeed44708", "<DATE>/[$LATEST]<HEX>"},
		{"an instance", `"V_INST": "1795307657705"`, `"V_INST": "<MILLISECONDS>"`},
		{
			"frames of the framework",
			"[\n    \"Error: x\",\n    \"    at exports.f (/tmp/x/copy/h.js:1:2)\",\n    \"    at /c/node_modules/serverless/lib/a.js:9:1\",\n    \"    at new Promise (<anonymous>)\",\n    \"    at process.f (node:internal/p:1:2)\"\n]",
			"[\n    \"Error: x\",\n    \"    at exports.f (<ROOT>/h.js:1:2)\"\n]",
		},
		{
			"frames of lambkin", "Error: x\n    at exports.f (/tmp/x/copy/h.js:1:2)\n    at f (/h/.cache/lambkin/runtime/0a1b/node/bootstrap.js:1:2)\nend",
			"Error: x\n    at exports.f (<ROOT>/h.js:1:2)\nend",
		},
		{"the user's own frames", "    at JSON.parse (<anonymous>)\n    at f (/tmp/x/copy/h.js:1:2)", "    at JSON.parse (<anonymous>)\n    at f (<ROOT>/h.js:1:2)"},
		{
			"an environment", "{\n    \"X\": \"1\",\n    \"AWS_LAMBDA_FUNCTION_VERSION\": \"$LATEST\"\n}",
			"{\n    \"AWS_LAMBDA_FUNCTION_VERSION\": \"$LATEST\",\n    \"X\": \"1\"\n}",
		},
		{"another object", "{\n    \"b\": \"1\",\n    \"a\": \"2\"\n}", "{\n    \"b\": \"1\",\n    \"a\": \"2\"\n}"},
		{"empty lines", "a\n\n\nb\n", "a\n\n\nb\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (&call{}).normal(answer{Stdout: tt.in}, "/tmp/x/copy").Stdout; got != tt.want {
				t.Errorf("%q becomes %q, want %q", tt.in, got, tt.want)
			}
		})
	}
	if got := (&call{Python: true}).normal(answer{Stdout: "a\n\n\nb\n\n"}, "").Stdout; got != "a\nb\n" {
		t.Errorf("Python's output becomes %q", got)
	}
}
