package sls

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// code is where the function's code is: its artifact or the service's, else
// the service's folder.
func (b *builder) code() lambda.Code {
	for _, from := range []struct {
		node *doc.Node
		path string
	}{{b.node, b.entry.path()}, {b.root, ""}} {
		s, ok := b.from(from.node, from.path, "package")
		if ok {
			s, ok = b.from(s.node, s.path, "artifact")
		}
		if !ok {
			continue
		}
		artifact := b.text(s)
		if artifact == "" {
			break
		}
		b.fn.Sources["Code"] = place(s.at)
		if strings.Contains(artifact, "://") {
			return lambda.Code{Remote: artifact}
		}
		file := b.abs(artifact)
		if _, err := os.Stat(file); err != nil && runsInPlace(b.fn.Runtime) {
			b.list.Notef(s.at, "artifact", "the artifact %q is not built; the code runs from the service's folder", artifact)
			break
		}
		return lambda.Code{Archive: file}
	}
	// serverless-python-requirements packages a function with a module as if
	// that folder were the service.
	if s, ok := b.own("module"); ok && b.has(pluginPython) && strings.HasPrefix(b.fn.Runtime, "python") {
		b.fn.Sources["Code"] = place(s.at)
		return lambda.Code{Dir: b.abs(b.text(s))}
	}
	return lambda.Code{Dir: b.dir}
}

// runsInPlace reports whether a runtime's code needs no build to run.
func runsInPlace(runtime string) bool {
	return strings.HasPrefix(runtime, "nodejs") || strings.HasPrefix(runtime, "python") || strings.HasPrefix(runtime, "ruby")
}

// abs makes a path of the service absolute.
func (s *service) abs(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.dir, path)
}
