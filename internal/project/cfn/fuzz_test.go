package cfn_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
	"github.com/lambkin-dev/lambkin/internal/project/cfn"
)

// FuzzLoad holds Load to its contract on any bytes: no panic, an error when
// there is no project, functions that are whole or said to be broken.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		manyFunctions(1),
		"Resources: {A: {Type: AWS::Serverless::Function, Properties: {Timeout: !Ref A, Environment: {Variables: {X: !Sub '${A.Arn}${!x}'}}}}}",
		`{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Code":{"ZipFile":"x"},"Layers":[{"Ref":"L"}]}},"L":{"Type":"AWS::Lambda::LayerVersion"}}}`,
		"Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::L: [N, [a, b], {'F${N}': {Type: AWS::Serverless::Function}}]\n",
		"Conditions: {C: !Not [!Condition C], D: !Or [!Equals [a, b], true]}\nResources: {A: {Type: AWS::Lambda::Function, Properties: !If [C, {}, !Ref D]}}",
		"Resources: &a {A: {Type: AWS::Serverless::Application, Properties: {Location: template.yaml, Parameters: {P: !GetAtt A.Outputs.O}}}}\nOutputs: {O: {Value: !Ref P}}",
		"Mappings: {M: {a: {b: [1, 2]}}}\nResources: {F: {Type: AWS::Serverless::Function, Properties: {Architectures: !FindInMap [M, a, b], Environment: {Variables: {C: !Cidr [10.0.0.0/8, 3, 8], J: !Join ['', !Split ['', x]], S: !Select [9, []]}}}}}",
		"Resources: {F: {Type: AWS::Serverless::Function, Properties: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: template.yaml}}}}}",
	} {
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, src []byte, only string) {
		file := filepath.Join(t.TempDir(), "template.yaml")
		if err := os.WriteFile(file, src, 0o600); err != nil {
			t.Fatal(err)
		}
		p, diags := cfn.Loader{}.Load(context.Background(), file, project.Options{Only: only})
		if p == nil {
			if !diags.HasErrors() {
				t.Error("neither a project nor an error")
			}
			return
		}
		seen := map[string]bool{}
		for _, fn := range p.Functions {
			if seen[fn.Path] {
				t.Errorf("two functions have the path %q", fn.Path)
			}
			seen[fn.Path] = true
			if only == "" {
				checkWhole(t, fn, diags)
			}
		}
	})
}

func checkWhole(t *testing.T, fn *lambda.Function, diags diag.List) {
	if fn.Timeout < 1 || fn.MemoryMB < lambda.MinMemoryMB || fn.MemoryMB > lambda.MaxMemoryMB || fn.EphemeralMB < lambda.DefaultEphemeralMB {
		t.Errorf("%q has limits that AWS does not have: %+v", fn.Path, fn)
	}
	if fn.PackageType == lambda.Zip && fn.Code == (lambda.Code{}) {
		t.Errorf("%q has no code", fn.Path)
	}
	if fn.PackageType == lambda.Zip && (fn.Handler == "" || fn.Runtime == "") && !diags.For(fn.Path).HasErrors() {
		t.Errorf("%q lacks a handler or a runtime, but nothing is said", fn.Path)
	}
}
