package runtimes

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/fsx"
)

// prober learns the versions of interpreters. What it can read from names and
// small files costs nothing; only else is the interpreter run, and what it
// said is kept in the host's cache.
type prober struct {
	host  *Host
	lang  *Language
	known map[string]string // by cacheKey; nil until it is needed
	fresh bool              // known has what the cache has not
}

// version returns the version of the interpreter at path, nil when it is not
// one of the language.
func (p *prober) version(path string) Version {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	base := strings.TrimSuffix(filepath.Base(real), ".exe")
	if !strings.HasPrefix(base, p.lang.Program) {
		return nil // a shim under another name: volta-shim, snap
	}
	named := ParseVersion(strings.TrimPrefix(base, p.lang.Program))
	if v := p.folder(real); v != nil && (named == nil || len(v) >= len(named) && v.Matches(named)) {
		return v
	}
	if len(named) >= p.lang.Depth {
		return named
	}
	if v := fileVersion(path, real); v != nil {
		return v
	}
	return p.ask(real)
}

// folder finds the version in the names of the folders that an interpreter is
// in, such as …/versions/3.13.0/bin or …/Cellar/node/22.1.0/bin.
func (p *prober) folder(real string) Version {
	parts := strings.Split(filepath.ToSlash(real), "/")
	for i := len(parts) - 2; i > 0; i-- {
		parent := parts[i-1]
		if !strings.Contains(parent, p.lang.Program) && parent != "versions" && parent != "py" {
			continue
		}
		if v := versionOfFolder(parts[i]); v != nil {
			return v
		}
	}
	return nil
}

var (
	venvVersion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)`) })
	nodeVersion = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?m)^#define NODE_(?:MAJOR|MINOR|PATCH)_VERSION (\d+)`)
	})
	saidVersion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:v|Python |ruby )(\d+\.\d+\.\d+)`) })
)

// fileVersion reads the version from the files that lie beside some
// interpreters: a virtual environment's configuration, Node.js's own header.
func fileVersion(path, real string) Version {
	if data, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(path)), "pyvenv.cfg")); err == nil {
		if m := venvVersion().FindSubmatch(data); m != nil {
			return ParseVersion(string(m[1]))
		}
	}
	header := filepath.Join(filepath.Dir(filepath.Dir(real)), "include", "node", "node_version.h")
	if !strings.HasPrefix(filepath.Base(real), "node") {
		return nil
	}
	data, err := os.ReadFile(header)
	if err != nil {
		return nil
	}
	m := nodeVersion().FindAllSubmatch(data, 3)
	if len(m) != 3 {
		return nil
	}
	return ParseVersion(fmt.Sprintf("%s.%s.%s", m[0][1], m[1][1], m[2][1]))
}

// ask runs the interpreter to learn its version, unless it was asked before.
func (p *prober) ask(real string) Version {
	st, err := os.Stat(real)
	if err != nil {
		return nil
	}
	key := fmt.Sprintf("%s|%d|%d", real, st.Size(), st.ModTime().UnixNano())
	p.recall()
	if v, ok := p.known[key]; ok {
		return ParseVersion(v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, real, "--version")
	cmd.Env = []string{"PATH=" + p.host.Env["PATH"]}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil
	}
	m := saidVersion().FindSubmatch(out)
	if m == nil {
		return nil
	}
	p.known[key], p.fresh = string(m[1]), true
	return ParseVersion(string(m[1]))
}

// cacheFile is where the versions that interpreters told are kept.
func (h *Host) cacheFile() string { return filepath.Join(h.Cache, "interpreters.json") }

// recall reads the cache. One that cannot be read is as good as none.
func (p *prober) recall() {
	if p.known != nil {
		return
	}
	p.known = map[string]string{}
	if p.host.Cache == "" {
		return
	}
	data, err := os.ReadFile(p.host.cacheFile())
	if err != nil || json.Unmarshal(data, &p.known) != nil || p.known == nil {
		p.known = map[string]string{}
	}
}

// remember writes the cache when there is something new. That it cannot be
// written costs time, nothing else.
func (p *prober) remember() {
	if !p.fresh || p.host.Cache == "" {
		return
	}
	data, err := json.MarshalIndent(p.known, "", "\t")
	if err == nil && os.MkdirAll(p.host.Cache, 0o755) == nil {
		_ = fsx.WriteFile(p.host.cacheFile(), data, 0o644)
	}
	p.fresh = false
}
