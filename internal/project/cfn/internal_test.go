package cfn

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

func TestTheTableOfResourceTypesExpands(t *testing.T) {
	l := &loading{region: "eu-west-1", account: "111122223333"}
	for typ, kind := range kindsOfResource {
		texts := slices.Collect(maps.Values(kind.attributes))
		for _, text := range append(texts, kind.ref) {
			got := l.expand(text, "NAME")
			if strings.ContainsAny(got, "{}") {
				t.Errorf("%s: %q leaves something in braces", typ, got)
			}
			if strings.HasPrefix(text, "arn:") && len(strings.SplitN(got, ":", 6)) != 6 {
				t.Errorf("%s: %q is no ARN", typ, got)
			}
		}
		if kind.ref == "" && kind.name == "" && len(kind.attributes) == 0 {
			t.Errorf("%s says nothing", typ)
		}
	}
}

func TestExpandLeavesBracesOfNamesAlone(t *testing.T) {
	l := &loading{region: "r", account: "a"}
	if got := l.expand("{name}-{region}", "{region}"); got != "{region}-r" {
		t.Errorf("got %q", got)
	}
}

func TestPlaceholdersPartAText(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // literal, name, literal, name …
	}{
		{"none", "abc", []string{"abc", ""}},
		{"empty", "", []string{"", ""}},
		{"alone", "${A}", []string{"", "A", "", ""}},
		{"between", "x${A}y${B.C}z", []string{"x", "A", "y", "B.C", "z", ""}},
		{"side by side", "${A}${B}", []string{"", "A", "", "B", "", ""}},
		{"escaped", "x${!A}y", []string{"x${A}", "", "y", ""}},
		{"escaped with a space", "${! A}", []string{"${ A}", "", "", ""}},
		{"not closed", "x${A", []string{"x${A", ""}},
		{"not closed, then one", "${A ${B}", []string{"${A ", "B", "", ""}},
		{"inside another", "${A${B}}", []string{"${A", "B", "}", ""}},
		{"empty braces", "${}", []string{"${}", "", "", ""}},
		{"dollar before", "$${A}", []string{"$", "A", "", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for literal, h := range placeholders(tt.text) {
				got = append(got, literal, h.name)
				if h.name != "" && !strings.HasPrefix(tt.text[h.from:h.to], "${") {
					t.Errorf("%q stands at %q", h.name, tt.text[h.from:h.to])
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("parts (-want +got):\n%s", d)
			}
		})
	}
}

func TestMisspeltTypesAreGuessed(t *testing.T) {
	tests := []struct{ name, typ, want string }{
		{"SAM's function", "AWS::Serverless::Function", ""},
		{"Lambda's function", "AWS::Lambda::Function", ""},
		{"another of Lambda's", "AWS::Lambda::EventSourceMapping", ""},
		{"another service", "AWS::CloudFront::Function", ""},
		{"a service with a similar name", "AWS::Lex::Bot", ""},
		{"custom", "Custom::Lambda", ""},
		{"two parts", "AWS::Lambda", ""},
		{"misspelt function", "AWS::Serverless::Fucntion", "AWS::Serverless::Function"},
		{"misspelt service", "AWS::Lamda::Function", "AWS::Lambda::Function"},
		{"both", "AWS::Serverles::Functon", "AWS::Serverless::Function"},
		{"lower case", "aws::serverless::function", "AWS::Serverless::Function"},
		{"far from everything", "AWS::Lambda::Zeppelin", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := meantType(tt.typ); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMergingFollowsSAM(t *testing.T) {
	tests := []struct{ name, global, local, want string }{
		{"maps", "{a: 1, b: {c: 1, d: 1}}", "{b: {d: 2, e: 2}, f: 2}", `{"a":1,"b":{"c":1,"d":2,"e":2},"f":2}`},
		{"lists", "[a, b]", "[b, c]", `["a","b","b","c"]`},
		{"scalars", "1", "2", `2`},
		{"a map under a scalar", "{a: 1}", "x", `"x"`},
		{"a map under null", "{a: 1}", "~", `null`},
		{"a function over a map", "{a: 1}", "!Ref X", `{"Ref":"X"}`},
		{"a map over a function", "!Ref X", "{a: 1}", `{"a":1}`},
		{"functions", "!Ref X", "!Ref Y", `{"Ref":"Y"}`},
		{"a map with a key like a function's", "{Ref: X, a: 1}", "{b: 2}", `{"Ref":"X","a":1,"b":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			global, _ := doc.ParseYAML([]byte(tt.global), "f", doc.YAML11)
			local, _ := doc.ParseYAML([]byte(tt.local), "f", doc.YAML11)
			if d := cmp.Diff(tt.want, merged(global, local).JSON()); d != "" {
				t.Errorf("merged (-want +got):\n%s", d)
			}
		})
	}
}

func TestTheReporterSaysNothingTwice(t *testing.T) {
	at := diag.Range{File: "f", Start: diag.Pos{Line: 1, Column: 1}}
	var r reporter
	for _, subject := range []string{"A", "B"} {
		r.add(diag.Diagnostic{Severity: diag.Error, Code: "e", Summary: "broken", Range: at, Subject: subject})
		r.add(diag.Diagnostic{Severity: diag.Warning, Code: "w", Summary: "odd", Range: at, Subject: subject, Detail: "X has none."})
		r.add(diag.Diagnostic{Severity: diag.Warning, Code: "w", Summary: "odd", Range: at, Subject: subject, Detail: "Y has none."})
	}
	r.add(diag.Diagnostic{Severity: diag.Warning, Code: "w", Summary: "odd", Subject: "A"})
	want := diag.List{
		{Severity: diag.Error, Code: "e", Summary: "broken", Range: at, Subject: "A"},
		{Severity: diag.Warning, Code: "w", Summary: "odd", Range: at, Detail: "X has none.\nY has none."},
		{Severity: diag.Error, Code: "e", Summary: "broken", Range: at, Subject: "B"},
		{Severity: diag.Warning, Code: "w", Summary: "odd", Subject: "A"},
	}
	if d := cmp.Diff(want, r.list); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
}
