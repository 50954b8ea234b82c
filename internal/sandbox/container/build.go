package container

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// BuildSpec says how an image is made of a Dockerfile.
type BuildSpec struct {
	Context    string // absolute folder
	Dockerfile string // below Context, with slashes; "" for Dockerfile
	Target     string // stage, "" for the last
	Args       map[string]string
	Tags       []string // names for the image
	Platform   string   // "linux/arm64", "" for the engine's
}

// Build makes an image, with the engine's own builder, and returns its id. The
// files of the context go to the engine as it reads them, but those that
// .dockerignore (or DOCKERFILE.dockerignore) leaves out. What the builder and
// the steps print goes to progress as it comes, unless that is nil; an error
// names the step that failed.
func (e *Engine) Build(ctx context.Context, spec BuildSpec, progress io.Writer) (id string, err error) {
	dockerfile := cmp.Or(spec.Dockerfile, "Dockerfile")
	if !filepath.IsLocal(filepath.FromSlash(dockerfile)) {
		return "", fmt.Errorf("the Dockerfile %q is not below its context %s", dockerfile, spec.Context)
	}
	if st, err := os.Stat(spec.Context); err != nil || !st.IsDir() {
		return "", fmt.Errorf("there is no folder %s", spec.Context)
	}
	if st, err := os.Stat(filepath.Join(spec.Context, filepath.FromSlash(dockerfile))); err != nil || st.IsDir() {
		return "", fmt.Errorf("there is no file %s in %s", dockerfile, spec.Context)
	}
	ignored, err := ignore(spec.Context, dockerfile)
	if err != nil {
		return "", err
	}
	args, err := json.Marshal(spec.Args)
	if err != nil {
		return "", err
	}
	query := url.Values{"dockerfile": {dockerfile}, "t": spec.Tags, "rm": {"1"}, "forcerm": {"1"}}
	for name, value := range map[string]string{"target": spec.Target, "platform": spec.Platform} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(spec.Args) > 0 {
		query.Set("buildargs", string(args))
	}
	ctx, cancel := context.WithCancel(ctx)
	read, write := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		err := writeContext(ctx, write, spec.Context, dockerfile, ignored)
		write.CloseWithError(err)
		sent <- err
	}()
	steps := &steps{out: progress}
	res, err := e.do(ctx, request{
		method: http.MethodPost, path: "/build", query: query, body: read, header: http.Header{"Content-Type": {"application/x-tar"}},
	})
	if err == nil {
		id, err = report(res.Body, steps)
		_ = res.Body.Close()
	}
	cancel()
	_ = read.Close() // an engine that has said no reads no more
	if mine := <-sent; mine != nil && !errors.Is(mine, io.ErrClosedPipe) && !errors.Is(mine, context.Canceled) {
		return "", fmt.Errorf("sending the context %s: %w", spec.Context, mine)
	}
	switch {
	case err != nil && strings.Contains(err.Error(), "BuildKit"):
		return "", fmt.Errorf("building with %s: %w; lambkin uses the engine's own builder, which knows none of that: build the image yourself (docker build -t NAME .) and name it", dockerfile, err)
	case err != nil && steps.last() != "":
		return "", fmt.Errorf("building with %s: %s: %w", dockerfile, steps.last(), err)
	case err != nil:
		return "", fmt.Errorf("building with %s: %w", dockerfile, err)
	case id == "": // an old engine only says it in words
		id = steps.built()
	}
	return id, nil
}

// ignore reads which files of a context stay out.
func ignore(dir, dockerfile string) (*patternmatcher.PatternMatcher, error) {
	for _, name := range []string{dockerfile + ".dockerignore", ".dockerignore"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		// The builder itself needs these two.
		m, err := patternmatcher.New(append(patterns, "!"+dockerfile, "!.dockerignore"))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		return m, nil
	}
	return patternmatcher.New(nil)
}

// writeContext writes a context as an archive, file by file.
func writeContext(ctx context.Context, out io.Writer, dir, dockerfile string, ignored *patternmatcher.PatternMatcher) error {
	archive := newArchive(out)
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil || name == "." {
			return err
		}
		name = filepath.ToSlash(name)
		out, err := ignored.MatchesOrParentMatches(name)
		if err != nil {
			return err
		}
		if !out {
			return archive.add(file, name, false)
		}
		// A folder that is left out may hold what an exception takes in again.
		if d.IsDir() && !exceptions(ignored, name) {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

// exceptions reports whether an exception may take in something below a folder.
func exceptions(m *patternmatcher.PatternMatcher, dir string) bool {
	for _, p := range m.Patterns() {
		if !p.Exclusion() {
			continue
		}
		if text := filepath.ToSlash(p.String()); strings.ContainsAny(text, "*?[") || strings.HasPrefix(text+"/", dir+"/") {
			return true
		}
	}
	return false
}

// steps passes a builder's output on and remembers the step that it is at.
type steps struct {
	out io.Writer

	mu   sync.Mutex
	step string
	id   string
}

var (
	stepLine  = regexp.MustCompile(`(?m)^(Step \d+/\d+ : .+)$`)
	builtLine = regexp.MustCompile(`(?m)^Successfully built ([0-9a-f]+)$`)
)

func (s *steps) Write(p []byte) (int, error) {
	s.mu.Lock()
	if m := stepLine.FindAllSubmatch(p, -1); m != nil {
		s.step = string(m[len(m)-1][1])
	}
	if m := builtLine.FindSubmatch(p); m != nil {
		s.id = string(m[1])
	}
	s.mu.Unlock()
	if s.out == nil {
		return len(p), nil
	}
	return s.out.Write(p)
}

func (s *steps) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.step
}

func (s *steps) built() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}
