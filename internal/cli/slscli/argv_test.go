package slscli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each row is what the framework's own parser makes of the arguments.
func TestRewrite(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile(filepath.Join(dir, "other.yml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		in   []string
		want []string
		err  string
	}{
		{"long", []string{"--function", "f"}, []string{"--function=f"}, ""},
		{"long with =", []string{"--function=f"}, []string{"--function=f"}, ""},
		{"short", []string{"-f", "f"}, []string{"--function=f"}, ""},
		{"short with =", []string{"-f=f"}, []string{"--function=f"}, ""},
		{"value with =", []string{"-e", "A=b=c", "-e", "D"}, []string{"--env=A=b=c", "--env=D"}, ""},
		{"value over lines", []string{"--data=a\nb"}, []string{"--data=a\nb"}, ""},
		{"negative number", []string{"-d", "-1"}, []string{"--data=-1"}, ""},
		{"value like an option", []string{"-d", "--foo"}, nil, `Missing value for CLI parameter "--data"`},
		{"value like an option with =", []string{"-d=--foo"}, []string{"--data=--foo"}, ""},
		{"no value", []string{"-f"}, nil, `Missing value for CLI parameter "--function"`},
		{"empty value", []string{"-d", ""}, nil, `Missing value for CLI parameter "--data"`},
		{"empty value with =", []string{"--data="}, []string{"--data="}, ""},
		{"twice", []string{"-f", "a", "--function", "b"}, nil, `Unexpected multiple "--function"`},
		{"switch", []string{"--raw"}, []string{"--raw=true"}, ""},
		{"switch off", []string{"--no-raw"}, []string{"--raw=false"}, ""},
		{"switch with a value", []string{"--raw=1"}, nil, `Unexpected value for "--raw"`},
		{"switch twice", []string{"--raw", "--no-raw"}, nil, `Unexpected multiple "--raw"`},
		{"cluster", []string{"-fstr"}, nil, "Detected unrecognized CLI options: \"--t\".\n"},
		{"cluster with a value", []string{"-ab=1"}, nil, `Unexpected value for "-ab"`},
		{"unknown", []string{"-f", "a", "--bogus", "1"}, nil, "Detected unrecognized CLI options: \"--bogus\".\n"},
		{"several unknown", []string{"--one", "--two=2"}, nil, "Detected unrecognized CLI options: \"--one\", \"--two\".\n"},
		{"another spelling", []string{"--context-path", "x"}, nil, "Detected unrecognized CLI options: \"--context-path\".\n"},
		{"what stands behind", []string{"-f", "a", "extra", "words"}, []string{"--function=a"}, ""},
		{"what stands behind --", []string{"-f", "a", "--", "--bogus"}, []string{"--function=a"}, ""},
		{"what stands before", []string{"foo", "-f", "a"}, nil, `Serverless command "invoke local foo" not found. Run "serverless help" for a list of all available commands.`},
		{"help", []string{"--bogus", "-h"}, []string{"--help"}, ""},
		{"-c with a context", []string{"-c", `{"x":1}`}, []string{`--context={"x":1}`}, ""},
		{"-c with a file", []string{"-c", "other.yml"}, []string{"--config=other.yml"}, ""},
		{"--config with none", []string{"--config", "nope.yml"}, []string{"--config=nope.yml"}, ""},
		{"lists", []string{"--docker-arg", "-p 1:1", "--docker-arg=-v a:b"}, []string{"--docker-arg=-p 1:1", "--docker-arg=-v a:b"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rewrite(append([]string{"invoke", "local"}, tt.in...))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(append([]string{"invoke", "local"}, tt.want...), got); diff != "" || err != nil {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestRewriteLeavesOtherCommandsAlone(t *testing.T) {
	for _, line := range []string{"", "invoke Hello -d x", "local invoke -ii a", "list"} {
		args := strings.Fields(line)
		if got, err := rewrite(args); err != nil || strings.Join(got, " ") != line {
			t.Errorf("%q became %q, %v", line, got, err)
		}
	}
}

func TestUnknownOptionsHintAtTheNearest(t *testing.T) {
	_, err := rewrite(strings.Fields("invoke local --functoin x"))
	if u, ok := errors.AsType[*usage](err); !ok || u.hint != "did you mean --function?" {
		t.Errorf("got %+v", err)
	}
}
