// Package process runs functions as plain processes, on every system: the code
// where it lies, layers merged into a folder of links, the host's /tmp. Each
// process leads a group of its own; ending it ends the whole tree, also what
// has left the group. It hides nothing and limits nothing.
package process

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// Sandbox is the plain-process sandbox. The zero value is ready for use.
type Sandbox struct{}

// Name implements [sandbox.Sandbox].
func (Sandbox) Name() string { return "process" }

// Open implements [sandbox.Sandbox].
func (Sandbox) Open(_ context.Context, spec sandbox.Spec) (sandbox.Environment, error) {
	if spec.Image != nil {
		return nil, errors.New("an image cannot run as plain processes")
	}
	e := &environment{paths: sandbox.Paths{Task: spec.Code, Runtime: spec.Runtime, Tmp: os.TempDir()}}
	switch len(spec.Layers) {
	case 0:
	case 1:
		e.paths.Opt = spec.Layers[0]
	default:
		var err error
		if e.merged, err = mergeLayers(spec.Layers); err != nil {
			return nil, err
		}
		e.paths.Opt = e.merged.Dir
	}
	open.Add(1)
	return e, nil
}

// open counts the environments that are not closed.
var open atomic.Int32

type environment struct {
	sandbox.Loopback

	paths  sandbox.Paths
	merged *fsx.Temp // the folder of links that is removed on Close, nil for none

	mu     sync.Mutex // guards what follows
	closed bool
	procs  []*proc
}

func (e *environment) Paths() sandbox.Paths { return e.paths }

func (e *environment) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Proc, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, sandbox.ErrClosed
	}
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	e.procs = append(e.procs, p)
	return p, nil
}

// Files implements [sandbox.Environment].
func (e *environment) Files(_ context.Context, dir string) ([]string, error) {
	return sandbox.Files(dir)
}

func (e *environment) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	for _, p := range e.procs {
		p.Kill()
		<-p.done
	}
	// Of environments that close at once the last one takes all orphans, so
	// each must have made its own before.
	open.Add(-1)
	for _, p := range e.procs {
		p.end()
	}
	if e.merged == nil {
		return nil
	}
	return e.merged.Close()
}

// mergeLayers makes a folder that holds links to the files of all layers; a
// file of a later layer hides the one of the same name in an earlier.
func mergeLayers(layers []string) (*fsx.Temp, error) {
	dir, err := fsx.NewTemp("opt")
	if err != nil {
		return nil, err
	}
	for _, layer := range layers {
		if err := linkTree(layer, dir.Dir); err != nil {
			return nil, errors.Join(err, dir.Close())
		}
	}
	return dir, nil
}

func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			// A folder takes the place of an earlier layer's file.
			if st, err := os.Lstat(target); err == nil && !st.IsDir() {
				if err := os.Remove(target); err != nil {
					return err
				}
			}
			return os.MkdirAll(target, 0o755)
		}
		if err := os.RemoveAll(target); err != nil {
			return err
		}
		return os.Symlink(path, target)
	})
}
