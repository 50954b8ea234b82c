// Package dotnet runs functions written for AWS's .NET runtimes: it finds the
// .NET of this machine and does what AWS's launch script does. A class library
// runs in AWS's own client, Amazon.Lambda.RuntimeSupport, which AWS's test tool
// for Lambda holds as a program, or which the user's .NET SDK fetches and makes
// a program of, once. A program speaks the Runtime API itself and is started as
// it is.
package dotnet

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// identifiers are AWS's, the retired ones too: their functions still run.
var identifiers = []string{
	"dotnet10", "dotnet9", "dotnet8", "dotnet7", "dotnet6", "dotnet5.0", "dotnetcore3.1", "dotnetcore2.1",
}

// imagesOnly are those that AWS has as base images of containers, and not for
// uploaded code.
var imagesOnly = []string{"dotnet9", "dotnet7", "dotnet5.0"}

// current are those that AWS lets functions be made for.
var current = []string{"dotnet10", "dotnet8"}

// Runtime runs .NET functions. Its zero value is ready.
type Runtime struct {
	places []string      // where .NET is kept besides DOTNET_ROOT and PATH, nil for the usual places
	limit  time.Duration // how long the SDK may take, 0 for the usual time
}

// Name is "dotnet".
func (Runtime) Name() string { return "dotnet" }

// Identifiers are AWS's identifiers for .NET, newest first.
func (Runtime) Identifiers() []string { return identifiers }

// Files are what AWS's runtime has beside its client, by their names below the
// folder of bootstraps.
func Files() map[string][]byte { return map[string][]byte{noCertificates: nil} }

// noCertificates is the file that AWS's newer runtimes name as that of the
// trusted certificates: it is empty, so that these are read from their folder
// alone and not twice.
const noCertificates = "empty-certificates.crt"

// Launch starts the function's program, or AWS's client with the function's
// class library, in the .NET that its runtime asks for. At the first use it may
// take minutes: then the client is fetched and built.
func (r Runtime) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	want := versionOf(fn.Runtime)
	if want == nil {
		return nil, fmt.Errorf("%q is not a .NET runtime", fn.Runtime)
	}
	p, err := look(fn, paths)
	if err != nil {
		return nil, err
	}
	l := &runtimes.Launch{Snapshots: want[0] >= 8 && !host.Serverless} // AWS has SnapStart from dotnet8 on
	if p.native != "" {
		l.Path = p.native
	} else if err := r.managed(l, fn, want, p, host); err != nil {
		return nil, err
	}
	if slices.Contains(imagesOnly, fn.Runtime) {
		l.Notices = append(l.Notices, fmt.Sprintf("AWS has %s as a container's base image only, and refuses it for uploaded code", fn.Runtime))
	}
	root := filepath.Dir(l.Path)
	if p.native != "" {
		root = r.anyRoot(host)
	}
	if host.Debug != nil {
		l.Env = append(l.Env, waitForDebugger+"=1")
		l.Notices = append(l.Notices, debugNotices(host.Debug, p)...)
	}
	r.environ(l, fn, want, root, paths, host)
	l.Wrap(fn, paths)
	return l, nil
}

// managed fills in the command line of what .NET itself runs.
func (r Runtime) managed(l *runtimes.Launch, fn *lambda.Function, want runtimes.Version, p *program, host *runtimes.Host) error {
	found, err := r.find(host, fn.Runtime, want, p.needs)
	if err != nil {
		return err
	}
	l.Path, l.Version, l.Notices = found.dotnet, found.version.String(), found.notices
	l.Uses = []string{found.dir}
	// AWS's script says exec for programs, too.
	l.Args = []string{"exec"}
	if found.rollForward {
		l.Args = append(l.Args, "--roll-forward", "Major")
	}
	switch {
	case p.dll != "":
		l.Args = append(l.Args, p.dll)
		return nil
	case host.Look:
		return nil
	}
	c, err := r.client(host, found)
	if err != nil {
		return err
	}
	l.Uses = append(l.Uses, filepath.Dir(c.dll))
	l.Notices = append(l.Notices, c.notices...)
	l.Args = append(l.Args, "--depsfile", p.deps, "--runtimeconfig", p.config, c.dll, fn.Handler)
	return nil
}

// environ adds the variables that AWS's launch script sets, and those that the
// process has because it is started from a script.
func (r Runtime) environ(l *runtimes.Launch, fn *lambda.Function, want runtimes.Version, root string, paths runtimes.Paths, host *runtimes.Host) {
	if root != "" {
		l.Add(fn, host.SearchPaths(runtimes.Interpreter{Path: filepath.Join(root, dotnetProgram())}, paths)...)
		l.Env = append(l.Env, "DOTNET_ROOT="+root)
	}
	l.Env = append(l.Env, "LAMBDA_RUNTIME_NAME="+fn.Runtime, "AWS_EXECUTION_ENV=AWS_Lambda_"+fn.Runtime)
	if want[0] >= 8 && !host.Serverless {
		l.Add(fn, "SSL_CERT_FILE="+filepath.Join(paths.Runtime, noCertificates))
	}
	if !host.Serverless {
		l.Add(fn, "PWD="+paths.Task, "SHLVL=0")
	}
}

// versionOf returns the version in a runtime identifier, nil when it is none of
// .NET's: {8}, and {3, 1} of .NET Core.
func versionOf(identifier string) runtimes.Version {
	if !strings.HasPrefix(identifier, "dotnet") {
		return nil
	}
	return line(runtimes.VersionOf(identifier, 2))
}

// Survey lists the versions of .NET on the machine, and the client.
func (r Runtime) Survey(host *runtimes.Host) []runtimes.Finding {
	all := r.installations(host)
	var findings []runtimes.Finding
	for _, id := range identifiers {
		want := versionOf(id)
		f := runtimes.Finding{Name: name(want) + " (untested)"}
		for _, i := range all {
			if v, exact := i.best([]string{netCore}, want); exact {
				f.Version, f.Path = v.String(), i.dotnet
				break
			}
		}
		if f.Path == "" {
			if !slices.Contains(current, id) {
				continue
			}
			f.Hint = install(want)
		}
		findings = append(findings, f)
	}
	return append(findings, r.surveyClient(host, all))
}
