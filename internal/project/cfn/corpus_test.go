package cfn_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/cfn"
)

// expected is what SAM CLI says of a template.
type expected struct {
	Template  string
	Functions []expectedFunction
}

type expectedFunction struct {
	LogicalID     string `json:"logical_id"`
	FunctionID    string `json:"function_id"`
	FunctionName  any    `json:"function_name"`
	FullPath      string `json:"full_path"`
	Handler       any
	Runtime       any
	Timeout       any
	Memory        any
	CodeURI       *string
	Inline        bool
	PackageType   string
	Architectures []any
	Layers        []any
	Environment   map[string]any
}

// TestCorpusAgreesWithSAM compares real templates with what SAM CLI finds in
// them and prints a table. LAMBKIN_CORPUS names a folder with */expected.json,
// or one with such a folder called sam. A difference must have a reason among
// the rules of corpus_rules_test.go.
func TestCorpusAgreesWithSAM(t *testing.T) {
	corpus := os.Getenv("LAMBKIN_CORPUS")
	if corpus == "" {
		t.Skip("LAMBKIN_CORPUS names no folder with templates")
	}
	var files []string
	for _, pattern := range []string{"*/expected.json", "sam/*/expected.json"} {
		found, err := filepath.Glob(filepath.Join(corpus, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	tally, templates := &tally{}, 0
	for _, file := range files {
		if compareTemplate(t, tally, filepath.Dir(file)) {
			templates++
		}
	}
	if templates == 0 {
		t.Skipf("no templates in %s", corpus)
	}
	tally.print(os.Stdout, templates)
	if n := tally.unlisted(); n > 0 {
		t.Errorf("%d differences have no reason", n)
	}
}

// template is one template of the corpus, as lambkin and its author have it.
type template struct {
	name, dir string
	project   *lambda.Project
	diags     diag.List
	trees     map[string]*doc.Node
}

// comparison is one field of one function in both views.
type comparison struct {
	*template
	fn    *lambda.Function
	field string
	// item tells values of one field apart: the variable's name.
	item       string
	sam, ours  string
	unresolved bool // lambkin has warned that it does not know the value
}

// compareTemplate compares one template; false when the project is another tool's.
func compareTemplate(t *testing.T, tally *tally, dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	if want.Template == "" {
		return false
	}
	tm := &template{name: filepath.Base(dir), dir: dir, trees: map[string]*doc.Node{}}
	tm.project, tm.diags = cfn.Loader{}.Load(context.Background(), filepath.Join(dir, want.Template), project.Options{})
	if tm.project == nil {
		if len(want.Functions) > 0 {
			tally.add(comparison{template: tm, field: "functions", sam: "a project", ours: tm.diags.Error()})
		}
		return true
	}
	ours := map[string]*lambda.Function{}
	for _, fn := range tm.project.Functions {
		ours[fn.Path] = fn
	}
	for _, w := range want.Functions {
		c := comparison{template: tm, fn: ours[w.FullPath], field: "functions", item: w.FullPath, sam: "found"}
		if c.fn != nil {
			c.ours = "found"
		}
		tally.add(c)
		if c.fn != nil {
			tm.compare(tally, &w, c.fn)
		}
		delete(ours, w.FullPath)
	}
	for path, fn := range ours {
		tally.add(comparison{template: tm, fn: fn, field: "functions", item: path, ours: "found"})
	}
	return true
}

// compare compares all fields of a function.
func (tm *template) compare(tally *tally, w *expectedFunction, fn *lambda.Function) {
	add := func(field, sam, ours string) {
		tally.add(comparison{template: tm, fn: fn, field: field, sam: sam, ours: ours})
	}
	add("id", w.FunctionID, fn.ID)
	add("logical id", w.LogicalID, fn.LogicalID)
	add("name", samText(w.FunctionName, ""), fn.Name)
	add("package type", w.PackageType, string(fn.PackageType))
	add("handler", samText(w.Handler, ""), fn.Handler)
	add("runtime", samText(w.Runtime, ""), fn.Runtime)
	add("timeout", samText(w.Timeout, "3"), fmt.Sprint(int(fn.Timeout/time.Second)))
	add("memory", samText(w.Memory, "128"), fmt.Sprint(fn.MemoryMB))
	architecture := "x86_64"
	if len(w.Architectures) > 0 {
		architecture = samText(w.Architectures[0], "")
	}
	add("architecture", architecture, fn.Architecture)
	add("inline", fmt.Sprint(w.Inline), fmt.Sprint(fn.Code.Inline != ""))
	if w.CodeURI != nil && fn.Code.Inline == "" {
		add("code path", filepath.Clean(*w.CodeURI), tm.codePath(fn))
	}
	add("layers", tm.samLayers(w), ourLayers(fn))
	tm.compareEnvironment(tally, w, fn)
}

func (tm *template) compareEnvironment(tally *tally, w *expectedFunction, fn *lambda.Function) {
	seen := map[string]bool{}
	for _, v := range fn.Environment {
		seen[v.Name] = true
		sam, there := w.Environment[v.Name]
		c := comparison{template: tm, fn: fn, field: "environment names", item: v.Name, ours: "set"}
		if there {
			c.sam = "set"
		}
		tally.add(c)
		if !there {
			continue
		}
		c.field, c.sam, c.ours, c.unresolved = "computed values", samText(sam, ""), v.Value, v.Unresolved
		if tm.expression(fn, v.Name).IsScalar() {
			c.field = "literal values"
		}
		tally.add(c)
	}
	for name := range w.Environment {
		if !seen[name] {
			tally.add(comparison{template: tm, fn: fn, field: "environment names", item: name, sam: "set"})
		}
	}
}

// samText is a value of SAM CLI's as text: "" for one that it did not resolve.
func samText(v any, fallback string) string {
	switch v := v.(type) {
	case nil:
		return fallback
	case string:
		return v
	case float64, bool:
		return fmt.Sprint(v)
	}
	return ""
}

// codePath is the function's code relative to the template.
func (tm *template) codePath(fn *lambda.Function) string {
	if fn.PackageType == lambda.Image {
		return "." // where SAM CLI would build the image
	}
	path := fn.Code.Dir + fn.Code.Archive
	if path == "" {
		return fn.Code.Remote
	}
	base, err := filepath.Abs(tm.dir)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(base, path); err == nil {
		return rel
	}
	return path
}

const local = "(in the template)"

// samLayers are the layers that SAM CLI finds; those of the template it names
// by their logical ids.
func (tm *template) samLayers(w *expectedFunction) string {
	var out []string
	for _, l := range w.Layers {
		text := samText(l, "(unresolved)")
		if strings.HasSuffix(tm.resource(text).Get("Type").textOr(""), "::LayerVersion") {
			text = local
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func ourLayers(fn *lambda.Function) string {
	var out []string
	for _, l := range fn.Layers {
		out = append(out, cmp.Or(l.ARN, local))
	}
	return strings.Join(out, " ")
}

// tally counts what was compared.
type tally struct {
	fields []string
	counts map[string]*[3]int // agree, differ with a reason, differ without
	listed []string
	bad    []string
}

func (t *tally) add(c comparison) {
	if t.counts == nil {
		t.counts = map[string]*[3]int{}
	}
	n := t.counts[c.field]
	if n == nil {
		n = &[3]int{}
		t.counts[c.field] = n
		t.fields = append(t.fields, c.field)
	}
	if c.sam == c.ours {
		n[0]++
		return
	}
	path := c.item
	if c.fn != nil && c.item != c.fn.Path {
		path = strings.TrimSuffix(c.fn.Path+" "+c.item, " ")
	}
	line := fmt.Sprintf("%s %s: SAM %q, lambkin %q", c.name, path, c.sam, c.ours)
	if reason := c.reason(); reason != "" {
		n[1]++
		t.listed = append(t.listed, c.field+": "+reason+"\t"+line)
		return
	}
	n[2]++
	t.bad = append(t.bad, c.field+"\t"+line)
}

func (t *tally) unlisted() int { return len(t.bad) }

// print writes the table, then every difference below its reason.
func (t *tally) print(w io.Writer, templates int) {
	fmt.Fprintf(w, "%d templates, SAM CLI beside lambkin\n\n", templates)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "field\tagree\tdiffer, with a reason\tdiffer, without\t")
	for _, f := range t.fields {
		n := t.counts[f]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", f, n[0], n[1], n[2])
	}
	_ = table.Flush() // standard output
	heading := ""
	slices.Sort(t.listed)
	for _, l := range append(t.listed, t.bad...) {
		reason, line, _ := strings.Cut(l, "\t")
		if slices.Contains(t.bad, l) {
			reason += ": no reason is known"
		}
		if reason != heading {
			fmt.Fprintf(w, "\n%s\n", reason)
			heading = reason
		}
		fmt.Fprintf(w, "  %s\n", line)
	}
}
