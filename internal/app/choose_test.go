package app

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

func nested() *lambda.Project {
	return &lambda.Project{File: "template.yaml", Functions: []*lambda.Function{
		{Path: "B/Fn", ID: "Fn", LogicalID: "Fn", Name: "deployed"},
		{Path: "A/Fn", ID: "Fn", LogicalID: "Fn", Name: "Fn"},
	}}
}

func TestChooseFindsTheFunctionThatIsMeant(t *testing.T) {
	tests := []struct {
		name, given string
		vocabulary  Vocabulary
		want, err   string
		said        string // part of the warning
		detail      string
	}{
		{"path", "B/Fn", SAM, "B/Fn", "", "", ""},
		{"ARN", "arn:aws:lambda:us-east-1:123456789012:function:deployed:3", Native, "B/Fn", "", "", ""},
		{"two of the name", "Fn", Native, "A/Fn", "", `"Fn" may mean A/Fn or B/Fn; A/Fn is taken`, ""},
		{"two of the name, for SAM", "Fn", SAM, "A/Fn", "", "Multiple functions found with keyword Fn! Function A/Fn will be invoked!", "A/Fn\nB/Fn"},
		{"nobody", "deploid", Native, "", `template.yaml: there is no function "deploid"`, "", ""},
		{"none given", "", SAM, "", "template.yaml: which function? The project has 2", "", ""},
		{"no name", "a b", Native, "", `template.yaml: there is no function "a b"`, "", ""},
		{"no name, for SAM", "a b", SAM, "", `"a b" cannot be the name of a function`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var diags diag.List
			fn, err := choose(nested(), &diags, Options{Function: tt.given, Vocabulary: tt.vocabulary})
			if err != nil {
				if err.Error() != tt.err {
					t.Errorf("error %q, want %q", err, tt.err)
				}
				return
			}
			if fn.Path != tt.want || len(diags) > 1 || len(diags) == 0 && tt.said != "" {
				t.Fatalf("got %s, %v", fn.Path, diags)
			}
			if len(diags) == 1 && (!strings.Contains(diags[0].Summary, tt.said) || diags[0].Detail != tt.detail) {
				t.Errorf("warning %+v", diags[0])
			}
		})
	}
}

func TestRefusalsHaveAWSsWords(t *testing.T) {
	layer := diag.List{{Code: "layer-arn", Summary: `"arn:x:${V}" is not the ARN of a layer version`}}
	isolated := &lambda.Function{TenantIsolation: true}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"name", invalidName("a b"), "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: " + namePattern},
		{"layer", broken(layer, ""), "arn:x:${V} is an Invalid Layer Arn."},
		{"image", withoutImage(&lambda.Function{LogicalID: "F", PackageType: lambda.Image}, Native), "ImageUri not provided for Function: F of PackageType: Image"},
		{"image of a service", withoutImage(&lambda.Function{PackageType: lambda.Image, Code: lambda.Code{ImageURI: "i"}}, Serverless), "Local invocation of lambdas pointing AWS ECR images is not supported"},
		{"tenant", checkTenant(isolated, &lambda.Invocation{}), "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."},
		{"no tenant", checkTenant(&lambda.Function{}, &lambda.Invocation{TenantID: "t"}), "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var refusal *Refusal
			var problem *Problem
			if !errors.As(tt.err, &refusal) || refusal.Message != tt.want || !errors.As(tt.err, &problem) {
				t.Errorf("got %+v, want %q", tt.err, tt.want)
			}
		})
	}
	if err := checkTenant(isolated, &lambda.Invocation{TenantID: "t"}); err != nil {
		t.Error(err)
	}
	if err := broken(diag.List{{Summary: "x"}}, ""); err.Error() != "x" {
		t.Errorf("another problem is %v", err)
	}
}

func TestTheRuntimeCanBeReplaced(t *testing.T) {
	tests := []struct {
		name, given string
		packageType lambda.PackageType
		want, hint  string
	}{
		{"another", "python3.12", lambda.Zip, "python3.12", ""},
		{"in capitals", "NodeJS22.X", lambda.Zip, "nodejs22.x", ""},
		{"none", "", lambda.Zip, "own", ""},
		{"images have none", "python3.12", lambda.Image, "own", ""},
		{"misspelt", "pyhton3.12", lambda.Zip, "", `did you mean "python3.12"?`},
		{"unknown", "cobol", lambda.Zip, "", "lambkin runs nodejs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			own := &lambda.Function{Runtime: "own", PackageType: tt.packageType}
			diags := diag.List{{Code: "runtime-missing"}, {Code: "other"}}
			fn, err := withRuntime(own, &diags, tt.given)
			if tt.want == "" {
				var p *Problem
				if !errors.As(err, &p) || p.Kind != InCall || !strings.HasPrefix(p.List[0].Hint, tt.hint) {
					t.Errorf("got %+v", err)
				}
				return
			}
			if err != nil || fn.Runtime != tt.want || own.Runtime != "own" {
				t.Errorf("got %+v, %v; the project has %s", fn, err, own.Runtime)
			}
			if replaced := tt.want != "own"; replaced != (len(diags) == 1) {
				t.Errorf("left are %v", diags)
			}
		})
	}
}

func TestRetiredRuntimesAreWarnedOf(t *testing.T) {
	for runtime, want := range map[string]int{"python2.7": 1, "nodejs14.x": 1, "nodejs22.x": 0, "": 0} {
		var diags diag.List
		warnRetired(&diags, &lambda.Function{Path: "F", Runtime: runtime})
		if len(diags) != want {
			t.Errorf("%q: %v", runtime, diags)
		}
	}
}

func TestPortsOfDebuggersAreChecked(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	tests := []struct {
		name  string
		ports []int
		kind  ProblemKind
		want  string
	}{
		{"none", nil, InCall, "debugging needs a port for the debugger"},
		{"zero", []int{0}, InCall, "the debug port 0 is none"},
		{"too high", []int{65536}, InCall, "the debug port 65536 is none"},
		{"taken", []int{taken}, InMachine, "cannot be opened: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := debugged(&lambda.Function{}, &Debug{Ports: tt.ports})
			var p *Problem
			if !errors.As(err, &p) || p.Kind != tt.kind || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	own := &lambda.Function{Timeout: lambda.DefaultTimeout, MaxConcurrency: 4}
	if fn, err := debugged(own, nil); fn != own || err != nil {
		t.Errorf("without a debugger: %+v, %v", fn, err)
	}
}

func TestLayersAreCachedWhereSAMHasThem(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		o    Options
		want string
	}{
		{"home", Options{Env: map[string]string{"HOME": "/home/me"}}, filepath.Join("/home/me", ".aws-sam", "layers-pkg")},
		{"Windows", Options{Env: map[string]string{"USERPROFILE": "/users/me"}}, filepath.Join("/users/me", ".aws-sam", "layers-pkg")},
		{"given", Options{Env: map[string]string{"HOME": "/home/me"}, LayerCache: "cache"}, filepath.Join(here, "cache")},
		{"homeless", Options{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, layerCache(tt.o)); diff != "" {
				t.Errorf("folder (-want +got):\n%s", diff)
			}
		})
	}
}

func TestABuildIsNotedOnlyWhereItIsFound(t *testing.T) {
	t.Chdir(t.TempDir())
	const text = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b, Runtime: nodejs22.x, InlineCode: x}}}"
	for _, name := range []string{builtTemplate, "template.yml"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	st, err := os.Stat(builtTemplate)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		file   string
		newer  int // minutes that the source is newer than the build
		wanted string
	}{
		{"build is newer", "", -5, "this build is used, not template.yml"},
		{"source is newer", "", 5, "this build is used, but template.yml has changed since, 5m0s after it"},
		{"both as old", "", 0, ""},
		{"named", builtTemplate, 5, ""},
		{"source is named", "template.yml", 5, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			when := st.ModTime().Add(time.Duration(tt.newer) * time.Minute)
			if err := os.Chtimes("template.yml", when, when); err != nil {
				t.Fatal(err)
			}
			_, diags, err := Load(context.Background(), Options{File: tt.file})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, d := range diags {
				got += d.Summary
			}
			if diff := cmp.Diff(tt.wanted, got); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}
