package image_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/image"
	"github.com/lambkin-dev/lambkin/internal/runtimes/provided"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestDebugging(t *testing.T) {
	img := &sandbox.Image{Name: "i:1", Entrypoint: []string{"/entry"}, Env: []string{"A=b"}}
	zip := &lambda.Function{Path: "F", Runtime: "nodejs22.x", Handler: "h.h", PackageType: lambda.Zip}
	code := t.TempDir()
	testenv.WriteFiles(t, code, map[string]string{"bootstrap": "#!/bin/sh\n"})
	if err := os.Chmod(filepath.Join(code, "bootstrap"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		fn      *lambda.Function
		runtime image.Runtime
		args    []string
		behind  []string
		notice  string
	}{
		{"Node.js in AWS's image", zip, image.Runtime{Image: img}, nil, []string{"NODE_OPTIONS=--inspect-brk=127.0.0.1:5858"}, "the function waits for a debugger at 127.0.0.1:5858"},
		{
			"with arguments of one's own", zip,
			image.Runtime{Image: img},
			[]string{"--inspect=0.0.0.0:5858", "--nolazy"},
			[]string{"NODE_OPTIONS=--inspect=0.0.0.0:5858 --nolazy"},
			"the function is started|the function waits for a debugger",
		},
		{
			"an image", &lambda.Function{Path: "F", Runtime: "nodejs22.x", PackageType: lambda.Image},
			image.Runtime{Image: img},
			nil, nil,
			"the image of F has to start its debugger itself, at port 5858; attach to 127.0.0.1:5858",
		},
		{
			"another language", &lambda.Function{Path: "F", Runtime: "python3.13", PackageType: lambda.Zip},
			image.Runtime{Image: img},
			nil, nil,
			"the image of F has to start its debugger itself",
		},
		{
			"a program of its own", &lambda.Function{Path: "F", Runtime: "provided.al2023", PackageType: lambda.Zip},
			image.Runtime{Image: img, Own: provided.Runtime{}},
			nil, nil, "the image of F has to start its debugger itself",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			paths := runtimes.Paths{Task: "/var/task", Runtime: "/var/runtime", Tmp: "/tmp", HostTask: code}
			l, err := tt.runtime.Launch(tt.fn, paths, &runtimes.Host{Debug: &runtimes.Debug{Ports: []int{5858}, Args: tt.args}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.behind, l.Behind); diff != "" {
				t.Errorf("behind (-want +got):\n%s", diff)
			}
			said := func(n string) bool {
				return slices.ContainsFunc(strings.Split(tt.notice, "|"), func(want string) bool { return strings.HasPrefix(n, want) })
			}
			if len(l.Notices) != 1 || !said(l.Notices[0]) {
				t.Errorf("notices %q, want %q", l.Notices, tt.notice)
			}
		})
	}
}

func TestAnImageWithoutAProgram(t *testing.T) {
	fn := &lambda.Function{Path: "F", PackageType: lambda.Image}
	_, err := image.Runtime{Image: &sandbox.Image{Name: "i:1"}}.Launch(fn, runtimes.Paths{}, &runtimes.Host{})
	if missing, ok := errors.AsType[*image.NoProgram](err); !ok || missing.Function != fn || missing.Error() != "the image i:1 does not say which program to start" {
		t.Errorf("got %v", err)
	}
}
