package sls

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	Timeout     int
	MemorySize  any // a number, or the text of one
	Environment map[string]any
}

// summary is what the corpus test compares of a function.
type summary struct {
	Name, Handler, Runtime string
	MemoryMB               int
	Timeout                time.Duration
	Environment            map[string]string
}

// wants is what the framework would run for a function.
func (r *resolved) wants(key string) summary {
	f, p := r.Config.Functions[key], r.Config.Provider
	s := summary{
		Name: f.Name, Handler: f.Handler, MemoryMB: 1024, Timeout: 6 * time.Second,
		Runtime: "nodejs20.x", Environment: map[string]string{},
	}
	for _, from := range []settings{p, *f} {
		if from.MemorySize != nil {
			s.MemoryMB, _ = strconv.Atoi(strings.TrimSuffix(fmt.Sprint(from.MemorySize), "MB"))
		}
		if from.Timeout != 0 {
			s.Timeout = time.Duration(from.Timeout) * time.Second
		}
		if from.Runtime != "" {
			s.Runtime = from.Runtime
		}
		for name, value := range from.Environment {
			switch value := value.(type) {
			case nil:
				delete(s.Environment, name)
			case map[string]any:
				// The framework asks AWS for it, or gives up.
				s.Environment[name] = atAWS
			default:
				s.Environment[name] = fmt.Sprint(value)
			}
		}
	}
	if f.Image != nil {
		s.Runtime = ""
	}
	return s
}

// atAWS stands for a value that only AWS knows.
const atAWS = "(known at AWS)"

func summarize(f *lambda.Function) summary {
	s := summary{
		Name: f.Name, Handler: f.Handler, Runtime: f.Runtime, MemoryMB: f.MemoryMB, Timeout: f.Timeout,
		Environment: map[string]string{},
	}
	for _, v := range f.Environment {
		s.Environment[v.Name] = v.Value
		if v.Unresolved {
			s.Environment[v.Name] = atAWS
		}
	}
	return s
}

// namedLocally are the values that the framework asks AWS for and that lambkin
// knows from the resource's own name.
func namedLocally(want, got map[string]summary) {
	for key, f := range want {
		for name, value := range f.Environment {
			if local := got[key].Environment[name]; value == atAWS && local != "" {
				f.Environment[name] = local
			}
		}
	}
}

// TestCorpusResolvesAsTheFrameworkDoes compares real services with what the
// framework resolved them to. A service for another provider must be refused.
func TestCorpusResolvesAsTheFrameworkDoes(t *testing.T) {
	corpus := os.Getenv("LAMBKIN_CORPUS")
	if corpus == "" {
		t.Skip("LAMBKIN_CORPUS does not name a folder with serverless/*/expected.json")
	}
	found, err := filepath.Glob(filepath.Join(corpus, "serverless", "*", "expected.json"))
	if err != nil || len(found) == 0 {
		t.Skipf("no services below %s: %v", corpus, err)
	}
	for _, file := range found {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var want resolved
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			compareService(t, filepath.Join(filepath.Dir(file), want.File), &want)
		})
	}
}

func compareService(t *testing.T, file string, want *resolved) {
	// The expectations were recorded in an environment with a region.
	opts := project.Options{Env: map[string]string{"AWS_REGION": "us-east-1"}}
	p, diags := Loader{}.Load(t.Context(), file, opts)
	if want.Config.Provider.Name != "aws" {
		if p != nil || !hasCode(diags, "provider") {
			t.Errorf("a service for %s is not refused: %v", want.Config.Provider.Name, diags)
		}
		return
	}
	if p == nil {
		t.Fatalf("not loaded: %v", diags)
	}
	if p.Name != want.Config.Service || p.Region != want.Config.Provider.Region {
		t.Errorf("service %s in %s, want %s in %s", p.Name, p.Region, want.Config.Service, want.Config.Provider.Region)
	}
	got, expected := map[string]summary{}, map[string]summary{}
	for _, f := range p.Functions {
		got[f.LogicalID] = summarize(f)
	}
	for key := range want.Config.Functions {
		expected[key] = want.wants(key)
	}
	namedLocally(expected, got)
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
	for _, d := range diags {
		if d.Severity != diag.Note {
			t.Logf("%s: %s", d.Severity, d.Error())
		}
	}
}

func hasCode(l diag.List, code string) bool {
	for _, d := range l {
		if d.Code == code {
			return true
		}
	}
	return false
}
