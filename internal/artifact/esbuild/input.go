package esbuild

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// input is a file that code was made of, as it was then.
type input struct {
	Path string
	Size int64
	Time int64  // nanoseconds since 1970
	Sum  string `json:",omitempty"` // of the content, where the time says nothing
}

// placeholder is before all times that mean something: package managers and
// reproducible builds give all files one old time, also to other versions of
// a file.
var placeholder = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func look(path string) (input, error) {
	st, err := os.Stat(path)
	if err != nil {
		return input{}, err
	}
	in := input{Path: path, Size: st.Size(), Time: st.ModTime().UnixNano()}
	if st.ModTime().Before(placeholder) {
		data, err := os.ReadFile(path)
		if err != nil {
			return input{}, err
		}
		in.Sum = hash(string(data))
	}
	return in, nil
}

func (in input) changed() bool {
	now, err := look(in.Path)
	return err != nil || now != in
}

// listing is a folder in which esbuild has looked for files.
type listing struct {
	Path  string
	Time  int64  // of the folder, 0 when it says nothing
	Names string // hash of the names that matter; "" when only the time does
}

// changed reports whether a file was added or removed that may change what an
// import means.
func (l listing) changed(relevant func(string) bool) bool {
	st, err := os.Stat(l.Path)
	if err != nil {
		return true
	}
	if l.Time == st.ModTime().UnixNano() {
		return false
	}
	return l.Names == "" || l.Names != namesIn(l.Path, relevant)
}

func namesIn(dir string, relevant func(string) bool) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "unreadable"
	}
	var names []string
	for _, e := range entries {
		if e.Name() == "node_modules" || relevant(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return hash(names...)
}

// relevant tells the names of files that an import may find, and of those that
// say how to read others.
func (p *job) relevant() func(string) bool {
	extensions := slices.Concat(compiled, plain, []string{".json", ".css"}, p.settings.ResolveExtensions)
	for ext := range p.settings.Loader {
		extensions = append(extensions, ext)
	}
	return func(name string) bool {
		return slices.ContainsFunc(extensions, func(ext string) bool { return strings.HasSuffix(name, ext) })
	}
}

// unsettled is how long before a build a file must have been changed last for
// the build to be trusted to have read what is there now: the steps of the
// clock that files get their times from. Where times are whole seconds it may
// be a disk that keeps no more.
func unsettled(t, began time.Time) bool {
	if t.Nanosecond() == 0 {
		return t.Add(2 * time.Second).After(began)
	}
	return t.Add(20 * time.Millisecond).After(began)
}

// survey looks at all that the code depends on. It is not settled when
// something may have been changed while it was read: then the code is good
// for now, but nothing can be concluded later.
func (p *job) survey(m *made) (inputs []input, dirs []listing, settled bool) {
	settled = true
	files := map[string]bool{}
	for _, file := range m.inputs {
		files[file] = true
	}
	folders := ancestors(slices.Concat(m.inputs, []string{p.entry}))
	for _, file := range p.configurations(folders) {
		files[file] = true
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		in, err := look(file)
		if err != nil {
			settled = settled && os.IsNotExist(err) && !slices.Contains(m.inputs, file)
			continue
		}
		inputs = append(inputs, in)
		settled = settled && (in.Sum != "" || !unsettled(time.Unix(0, in.Time), m.began))
	}
	relevant := p.relevant()
	for _, dir := range folders {
		st, err := os.Stat(dir)
		if err != nil {
			return inputs, nil, false
		}
		l := listing{Path: dir, Time: st.ModTime().UnixNano(), Names: namesIn(dir, relevant)}
		if unsettled(st.ModTime(), m.began) {
			l.Time = 0
			// Folders above the project are always busy, with other things.
			settled = settled && !inside(p.dir, dir)
		}
		dirs = append(dirs, l)
		dirs = append(dirs, packages(filepath.Join(dir, "node_modules"))...)
	}
	return inputs, dirs, settled && !slices.ContainsFunc(dirs, func(l listing) bool {
		return l.Names == "" && unsettled(time.Unix(0, l.Time), m.began)
	})
}

func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// packages are a node_modules folder and those of its scopes. Package managers
// replace links in them under the same name, so it is the time that counts.
func packages(dir string) []listing {
	st, err := os.Stat(dir)
	if err != nil || !st.IsDir() {
		return nil
	}
	all := []listing{{Path: dir, Time: st.ModTime().UnixNano()}}
	scopes, err := filepath.Glob(filepath.Join(dir, "@*"))
	if err != nil {
		return all
	}
	for _, scope := range scopes {
		if st, err := os.Stat(scope); err == nil {
			all = append(all, listing{Path: scope, Time: st.ModTime().UnixNano()})
		}
	}
	return all
}

// ancestors are the folders of files and all above them.
func ancestors(files []string) []string {
	seen := map[string]bool{}
	for _, file := range files {
		for dir := filepath.Dir(file); !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// configurations are the files beside sources that say how to read these.
func (p *job) configurations(folders []string) []string {
	files := map[string]bool{}
	for _, dir := range folders {
		for _, name := range []string{"package.json", "tsconfig.json", "jsconfig.json"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				files[filepath.Join(dir, name)] = true
			}
		}
	}
	if file := p.settings.Tsconfig; file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(p.dir, file)
		}
		files[file] = true
	}
	for _, file := range slices.Collect(maps.Keys(files)) {
		if filepath.Base(file) != "package.json" && !strings.Contains(file, "node_modules") {
			extended(file, files)
		}
	}
	return slices.Collect(maps.Keys(files))
}
