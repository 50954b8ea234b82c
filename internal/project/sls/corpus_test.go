package sls

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// resolved is the configuration that the framework resolved a service to, as
// far as it concerns what lambkin makes of it.
type resolved struct {
	File   string `json:"config_file"`
	Config struct {
		Service   string
		Provider  settings
		Functions map[string]*settings
	}
}

type settings struct {
	Name        string
	Stage       string
	Region      string
	Handler     string
	Image       any
	Runtime     string
	Timeout     any
	MemorySize  any // a number, or the text of one
	Environment map[string]any
	Layers      []any
	Events      []any
}

// TestCorpusAgreesWithTheFramework compares real services with what the
// framework resolved them to and prints a table. LAMBKIN_CORPUS names a folder
// with */expected.json, or one with such a folder called serverless. A service
// for another provider must be refused. A difference must have a reason.
func TestCorpusAgreesWithTheFramework(t *testing.T) {
	corpus := os.Getenv("LAMBKIN_CORPUS")
	if corpus == "" {
		t.Skip("LAMBKIN_CORPUS names no folder with services")
	}
	var files []string
	for _, pattern := range []string{"*/expected.json", "serverless/*/expected.json"} {
		found, err := filepath.Glob(filepath.Join(corpus, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	tally := &tally{fields: map[string]*field{}}
	for _, file := range files {
		tally.compare(t, file)
	}
	if tally.services == 0 {
		t.Skipf("no services in %s", corpus)
	}
	tally.print(os.Stdout)
	if tally.unexplained > 0 {
		t.Errorf("%d differences have no reason", tally.unexplained)
	}
}

// tally counts what agrees, by field, and keeps what differs.
type tally struct {
	services, refused int
	fields            map[string]*field
	names             []string
	unexplained       int
}

type field struct {
	compared, equal int
	differences     []difference
}

// difference is one value of one function in both views.
type difference struct {
	where      string // service and function
	theirs     any
	ours       any
	unresolved bool // lambkin has warned that only AWS knows it
}

// reasons are why a field may differ, by the field's name.
var reasons = map[string]func(difference) string{
	"environment": func(d difference) string {
		if _, intrinsic := d.theirs.(map[string]any); intrinsic {
			if d.unresolved {
				return "an intrinsic function that only AWS can evaluate: the JSON text of it, with a warning"
			}
			return "an intrinsic function whose value follows from the service itself"
		}
		return ""
	},
	"layers": func(d difference) string {
		theirs, _ := d.theirs.([]any)
		ours, _ := d.ours.([]any)
		if len(ours) == len(theirs) && slices.Contains(ours, any(ofTheService)) {
			return "a layer of the service itself is taken from its folder"
		}
		if slices.ContainsFunc(theirs, func(l any) bool { _, intrinsic := l.(map[string]any); return intrinsic }) {
			return "a layer that only AWS knows is left out, with a warning"
		}
		return ""
	},
	"memory": func(d difference) string {
		if text, ok := d.theirs.(string); ok && strings.TrimRight(text, "MB") == fmt.Sprint(d.ours) {
			return "a number with a unit is read as the number"
		}
		return ""
	},
}

// ofTheService stands for a layer that the service has itself.
const ofTheService = "a folder"

func (c *tally) add(name, where string, theirs, ours any, unresolved bool) {
	f := c.fields[name]
	if f == nil {
		f = &field{}
		c.fields[name] = f
		c.names = append(c.names, name)
	}
	f.compared++
	if reflect.DeepEqual(theirs, ours) {
		f.equal++
		return
	}
	f.differences = append(f.differences, difference{where, theirs, ours, unresolved})
}

func (c *tally) compare(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want resolved
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if want.File == "" {
		return // a template of another tool
	}
	c.services++
	name := filepath.Base(filepath.Dir(file))
	// The expectations were recorded in an environment with a region.
	opts := project.Options{Env: map[string]string{"AWS_REGION": "us-east-1"}, Events: true, Node: nodeOnPath(t)}
	p, diags := Loader{}.Load(t.Context(), filepath.Join(filepath.Dir(file), want.File), opts)
	if want.Config.Provider.Name != "aws" {
		if p != nil || !hasCode(diags, "provider") {
			t.Errorf("%s: a service for %s is not refused: %v", name, want.Config.Provider.Name, diags)
		}
		c.refused++
		return
	}
	if p == nil {
		t.Errorf("%s is not loaded: %v", name, diags)
		return
	}
	c.add("service", name, want.Config.Service, p.Name, false)
	c.add("region", name, want.Config.Provider.Region, p.Region, false)
	ours := map[string]*lambda.Function{}
	for _, f := range p.Functions {
		ours[f.LogicalID] = f
	}
	c.add("functions", name, slices.Sorted(maps.Keys(want.Config.Functions)), slices.Sorted(maps.Keys(ours)), false)
	for key, theirs := range want.Config.Functions {
		if f := ours[key]; f != nil {
			c.function(name+" "+key, theirs, &want.Config.Provider, f)
		}
	}
}

func (c *tally) function(where string, theirs, provider *settings, f *lambda.Function) {
	c.add("name", where, theirs.Name, f.Name, false)
	c.add("handler", where, theirs.Handler, f.Handler, false)
	runtime := cmp.Or(theirs.Runtime, provider.Runtime, "nodejs20.x")
	if theirs.Image != nil {
		runtime = ""
	}
	c.add("runtime", where, runtime, f.Runtime, false)
	c.add("timeout", where, number(theirs.Timeout, provider.Timeout, 6.), f.Timeout.Seconds(), false)
	c.add("memory", where, number(theirs.MemorySize, provider.MemorySize, 1024.), float64(f.MemoryMB), false)
	c.environment(where, theirs, provider, f)
	layers := theirs.Layers
	if layers == nil {
		layers = provider.Layers
	}
	var own []any
	for _, l := range f.Layers {
		own = append(own, cmp.Or(l.ARN, ofTheService))
	}
	c.add("layers", where, layers, own, false)
	c.events(where, theirs.Events, f.Events)
}

// number is the first of the values that is set, a number where it is one.
func number(values ...any) any {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
		case string:
			if n, err := strconv.ParseFloat(v, 64); err == nil {
				return n
			}
			return v
		default:
			return v
		}
	}
	return nil
}

func (c *tally) environment(where string, theirs, provider *settings, f *lambda.Function) {
	want := maps.Clone(provider.Environment)
	if want == nil {
		want = map[string]any{}
	}
	maps.Copy(want, theirs.Environment)
	maps.DeleteFunc(want, func(_ string, v any) bool { return v == nil })
	for _, v := range f.Environment {
		value, there := want[v.Name]
		if _, intrinsic := value.(map[string]any); there && !intrinsic {
			value = fmt.Sprint(value)
		}
		c.add("environment", where+" "+v.Name, value, v.Value, v.Unresolved)
		delete(want, v.Name)
	}
	for name, value := range want {
		c.add("environment", where+" "+name, value, nil, false)
	}
}

func (c *tally) events(where string, theirs []any, ours []lambda.Event) {
	var own []any
	for _, e := range ours {
		if e.Settings == nil {
			own = append(own, e.Type)
			continue
		}
		var value any
		_ = json.Unmarshal(e.Settings, &value) // it is JSON, or the comparison tells
		own = append(own, value)
	}
	for i, event := range theirs {
		if m, ok := event.(map[string]any); ok && i < len(ours) {
			event = m[ours[i].Type]
		}
		var mine any
		if i < len(own) {
			mine = own[i]
		}
		c.add("events", fmt.Sprintf("%s %d", where, i), event, mine, false)
	}
	c.add("numbers of events", where, len(theirs), len(own), false)
}

func (c *tally) print(w io.Writer) {
	fmt.Fprintf(w, "%d services, %d of them for other providers than AWS, which are refused\n\n", c.services, c.refused)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FIELD\tCOMPARED\tEQUAL\tDIFFERENT, WITH A REASON\tDIFFERENT")
	var listed []string
	for _, name := range c.names {
		f := c.fields[name]
		explained := 0
		for _, d := range f.differences {
			why := ""
			if rule := reasons[name]; rule != nil {
				why = rule(d)
			}
			if why != "" {
				explained++
			}
			listed = append(listed, fmt.Sprintf("%s: %s: framework %v, lambkin %v (%s)", name, d.where, d.theirs, d.ours, cmp.Or(why, "NO REASON")))
		}
		c.unexplained += len(f.differences) - explained
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\n", name, f.compared, f.equal, explained, len(f.differences)-explained)
	}
	table.Flush()
	fmt.Fprintln(w)
	slices.Sort(listed)
	for _, line := range listed {
		fmt.Fprintln(w, line)
	}
}

func hasCode(l diag.List, code string) bool {
	return slices.ContainsFunc(l, func(d diag.Diagnostic) bool { return d.Code == code })
}
