package conformance

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
	"github.com/lambkin-dev/lambkin/internal/runtimes/python"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestPython runs the table twice, for the runtime's name decides how AWS's
// client writes JSON and waits for events: the first is of the older kind, the
// second of the newer one. Both run on what the machine has.
func TestPython(t *testing.T) {
	testenv.Python(t)
	clients := cached(t, "ric-python", "AWS's client runs the handlers beside lambkin's bootstrap")
	// Python leaves compiled code beside the source.
	code := t.TempDir()
	if err := os.CopyFS(code, os.DirFS(filepath.Join("testdata", "python"))); err != nil {
		t.Fatal(err)
	}
	for _, runtime := range []string{"python3.11", "python3.13"} {
		t.Run(runtime, func(t *testing.T) {
			cache := t.TempDir()
			older := runtime == "python3.11"
			differs := pythonDiffers
			if older {
				differs = nil
			}
			own := pythonRows(older)
			if !older { // AWS's capacity providers have Python from 3.13 on
				own = append(own, pythonShared(own)...)
			}
			l := &language{
				runtime:   runtime,
				client:    pythonClient{pythonBootstrap{cache: cache}, clients},
				bootstrap: pythonBootstrap{cache: cache},
				files:     python.Files(),
				code:      code,
				handler:   pythonHandler,
				lacks:     pythonLacks,
				own:       own,
				differs:   differs,
				tidy:      func(text string) string { return tidyPython(text, clients) },
			}
			l.run(t)
		})
	}
}

// pythonBootstrap keeps what it compiles for the test alone.
type pythonBootstrap struct {
	python.Runtime
	cache string
}

func (b pythonBootstrap) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	own := *host
	own.Cache = b.cache
	return b.Runtime.Launch(fn, paths, &own)
}

// pythonClient is AWS's client, from the folder that has it for each version.
type pythonClient struct {
	pythonBootstrap
	dir string
}

func (c pythonClient) Launch(fn *lambda.Function, paths runtimes.Paths, host *runtimes.Host) (*runtimes.Launch, error) {
	l, err := c.pythonBootstrap.Launch(fn, paths, host)
	if err != nil {
		return nil, err
	}
	// As the start script of AWS's base images does.
	l.Args = []string{"-m", "awslambdaric", fn.Handler}
	version := strings.Join(strings.Split(l.Version, ".")[:2], ".")
	for i, v := range l.Env {
		if strings.HasPrefix(v, "PYTHONPATH=") {
			l.Env[i] = v + string(os.PathListSeparator) + filepath.Join(c.dir, version)
		}
	}
	l.Env = slices.DeleteFunc(l.Env, func(v string) bool { return strings.HasPrefix(v, runtimes.Private) })
	return l, nil
}

// pythonLacks are the streams, for which neither Python nor its client has a way.
var pythonLacks = map[string]string{
	"streams":           oneAnswer,
	"streams_nothing":   oneAnswer,
	"streams_much":      oneAnswer,
	"streams_bytes":     oneAnswer,
	"streams_http":      oneAnswer,
	"streams_and_fails": oneAnswer,
}

const oneAnswer = "the client of Python sends one answer"

const ownFrame = "the trace begins with the runtime's own frame, which calls the hook"

// pythonDiffers are what the newer runtimes do on purpose.
var pythonDiffers = map[string]string{
	"restored.handler fails before": ownFrame,
	"restored.handler fails after":  ownFrame,
	"loading.raises_own.handler":    "the client sends why a module does not load in Latin-1, and ends without a word where that does not do",
}
