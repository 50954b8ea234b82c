package esbuild

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/fsx"
)

// Generation and version are part of every build's key: raise generation when
// the same inputs give other code, version is that of the library.
const (
	generation = "1"
	version    = "v0.28.2"
)

const (
	// kept is how many variants of a handler's code (runtimes, settings) stay
	// in the cache, and as many builds that may still be in use.
	kept = 4
	// young is for how long code is not removed at all: another process may
	// be about to run it.
	young = time.Minute
	// forgotten is when the code of a handler that nobody asks for is removed.
	forgotten = 30 * 24 * time.Hour
)

// slot is the place of one handler's code in the cache:
//
//	esbuild/HANDLER/VARIANT.json   a record: what code was made of, and which
//	esbuild/HANDLER/CONTENT/       the code
//
// HANDLER stands for the service's folder and the handler's file, VARIANT for
// all else that was asked for. Records and code are written whole, and code is
// named for its content, so that nobody sees a part of another's.
type slot struct {
	dir  string // "" without a cache
	name string // of the record
	job  *job
}

func openSlot(o Options, p *job) *slot {
	if o.Cache == "" {
		return &slot{job: p}
	}
	return &slot{
		dir:  filepath.Join(o.Cache, "esbuild", hash(p.dir, p.module)),
		name: hash(generation, version, p.entry, o.Runtime, string(o.Settings), fmt.Sprint(p.esm), p.ext) + ".json",
		job:  p,
	}
}

func hash(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(sum, "%d %s\n", len(p), p)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// record says what code was made of.
type record struct {
	Code   string    // the folder
	Files  []string  // in it
	Inputs []input   // what it was made of
	Dirs   []listing // where a new file would change what imports mean
	Diags  diag.List // what there was to say
}

// find returns code that was made earlier of what is there now.
func (s *slot) find() (*Result, diag.List) {
	if s.dir == "" {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(s.dir, s.name))
	var r record
	if err != nil || json.Unmarshal(data, &r) != nil {
		return nil, nil
	}
	dir := filepath.Join(s.dir, r.Code)
	for _, name := range r.Files {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return nil, nil
		}
	}
	relevant := s.job.relevant()
	if slices.ContainsFunc(r.Inputs, input.changed) || slices.ContainsFunc(r.Dirs, func(l listing) bool { return l.changed(relevant) }) {
		return nil, nil
	}
	if st, err := os.Stat(s.dir); err == nil && time.Since(st.ModTime()) > 24*time.Hour {
		touch(s.dir)
	}
	return &Result{Dir: dir, Inputs: names(r.Inputs), Reused: true}, r.Diags
}

func names(inputs []input) []string {
	out := make([]string, len(inputs))
	for i, in := range inputs {
		out[i] = in.Path
	}
	return out
}

// keep writes code to the cache or, where there is none or it cannot be written
// to, to a temporary folder.
func (s *slot) keep(m *made) (*Result, error) {
	inputs, dirs, settled := s.job.survey(m)
	r := &Result{Inputs: names(inputs)}
	if s.dir != "" {
		if dir, err := fsx.Materialize(m.files, s.dir); err == nil {
			r.Dir = dir
			touch(dir) // it may be an old one that counts again
			if settled {
				s.record(record{filepath.Base(dir), slices.Sorted(maps.Keys(m.files)), inputs, dirs, m.diags})
			}
			s.tidy(filepath.Base(dir))
			return r, nil
		}
	}
	var err error
	if r.temporary, err = fsx.NewTemp("esbuild"); err != nil {
		return nil, err
	}
	if r.Dir, err = fsx.Materialize(m.files, r.temporary.Dir); err != nil {
		return nil, errors.Join(err, r.temporary.Close())
	}
	return r, nil
}

// record writes the record. Without one the code is made again: no reason to fail.
func (s *slot) record(r record) {
	if data, err := json.Marshal(r); err == nil {
		_ = fsx.WriteFile(filepath.Join(s.dir, s.name), data, 0o644)
	}
}

func touch(name string) {
	now := time.Now()
	_ = os.Chtimes(name, now, now) // it lives a little shorter
}

// tidy removes what is not needed any more: old variants, code that no record
// names except the newest, which other processes may just have made, and the
// slots of handlers that are not used. What cannot be removed stays.
func (s *slot) tidy(current string) {
	var records, codes []string
	for _, e := range newestFirst(s.dir) {
		switch {
		case filepath.Ext(e) == ".json":
			records = append(records, e)
		case e != current:
			codes = append(codes, e)
		}
	}
	needed := map[string]bool{}
	for i, name := range records {
		file := filepath.Join(s.dir, name)
		if i >= kept {
			_ = os.Remove(file)
			continue
		}
		var r record
		if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &r) == nil {
			needed[r.Code] = true
		}
	}
	codes = slices.DeleteFunc(codes, func(name string) bool { return needed[name] })
	removeOlder(s.dir, codes[min(kept, len(codes)):], young)
	all := filepath.Dir(s.dir)
	removeOlder(all, newestFirst(all), forgotten)
}

// removeOlder removes those of dir's entries that have not changed for so long.
func removeOlder(dir string, entries []string, age time.Duration) {
	for _, name := range entries {
		entry := filepath.Join(dir, name)
		if st, err := os.Stat(entry); err == nil && time.Since(st.ModTime()) >= age {
			_ = os.RemoveAll(entry)
		}
	}
}

// newestFirst are the entries of a folder in the order of their times.
func newestFirst(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	times := map[string]time.Time{}
	var names []string
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			names = append(names, e.Name())
			times[e.Name()] = info.ModTime()
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return times[b].Compare(times[a]) })
	return names
}
