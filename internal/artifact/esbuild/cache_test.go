package esbuild_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/artifact/esbuild"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestLibraryVersion(t *testing.T) {
	data, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "github.com/evanw/esbuild "+esbuild.Version+"\n") {
		t.Errorf("go.mod requires another version than %s: code of the old one would be reused", esbuild.Version)
	}
}

// monorepo is a service two folders below the root of a repository.
func monorepo(t testing.TB) *service {
	s := write(t, map[string]string{
		"tsconfig.base.json":                 `{"compilerOptions": {"jsxFactory": "h"}}`,
		"shared/util.ts":                     `export const util = 'util'`,
		"services/api/tsconfig.json":         `{"extends": "../../tsconfig.base.json"}`,
		"services/api/package.json":          `{"name": "api"}`,
		"services/api/src/api.tsx":           `import { util } from '../../../shared/util'; import dep from 'dep'; import lib from './lib'; import q from './q.sql'; const h = (x: any) => x; const react = { createElement: (x: any) => 'React ' + x }; const React = react; export const main = async () => [util, dep, lib, q, <p />]`,
		"services/api/src/lib.js":            `export default 'lib.js'`,
		"services/api/src/q.sql":             `SELECT 1`,
		"services/api/README.md":             `about`,
		"node_modules/dep/package.json":      `{"main": "a.js"}`,
		"node_modules/dep/a.js":              `module.exports = 'a'`,
		"node_modules/dep/b.js":              `module.exports = 'b'`,
		"node_modules/@scope/x/package.json": `{}`,
	})
	s.at = "services/api"
	return s
}

const monorepoSettings = `{"loader": {".sql": "text"}}`

func TestReuse(t *testing.T) {
	const first = `["util","a","lib.js","SELECT 1","p"]`
	tests := []struct {
		name   string
		change func(t *testing.T, s *service)
		reused bool
		want   string
	}{
		{"nothing", func(*testing.T, *service) {}, true, first},
		{"another file", edit("services/api/README.md", "changed"), true, first},
		{"a new file that nobody may import", edit("services/api/notes.md", "new"), true, first},
		{"the output of tests", edit("services/api/coverage/x.json", "{}"), true, first},
		{"the handler", edit("services/api/src/api.tsx", `export const main = async () => 2`), false, `2`},
		{"a shared file", edit("shared/util.ts", `export const util = 'new!'`), false, `["new!","a","lib.js","SELECT 1","p"]`},
		{"a file of the same size", edit("shared/util.ts", `export const util = 'UTIL'`), false, `["UTIL","a","lib.js","SELECT 1","p"]`},
		{"a text", edit("services/api/src/q.sql", `SELECT 2`), false, `["util","a","lib.js","SELECT 2","p"]`},
		{"the base of tsconfig.json", edit("tsconfig.base.json", `{}`), false, `["util","a","lib.js","SELECT 1","React p"]`},
		{"tsconfig.json", edit("services/api/tsconfig.json", `{}`), false, `["util","a","lib.js","SELECT 1","React p"]`},
		{"a new tsconfig.json", edit("services/api/src/tsconfig.json", `{}`), false, `["util","a","lib.js","SELECT 1","React p"]`},
		{"package.json of a dependency", edit("node_modules/dep/package.json", `{"main": "b.js"}`), false, `["util","b","lib.js","SELECT 1","p"]`},
		{"package.json", edit("services/api/package.json", `{"type": "module"}`), false, first},
		{"a new file that an import means", edit("services/api/src/lib.ts", `export default 'lib.ts'`), false, `["util","a","lib.ts","SELECT 1","p"]`},
		{"a nearer dependency", edit("services/api/node_modules/dep/index.js", `module.exports = 'nearer'`), false, `["util","nearer","lib.js","SELECT 1","p"]`},
		{"a dependency that is a link now", relink, false, `["util","b","lib.js","SELECT 1","p"]`},
		{"an import is gone", func(t *testing.T, s *service) {
			if err := os.Rename(filepath.Join(s.dir, "services/api/src/lib.js"), filepath.Join(s.dir, "services/api/src/lib.mjs.txt")); err != nil {
				t.Fatal(err)
			}
			testenv.WriteFiles(t, s.dir, map[string]string{"services/api/src/lib/index.js": `export default 'index'`})
		}, false, `["util","a","index","SELECT 1","p"]`},
		{"code is missing in the cache", func(t *testing.T, s *service) {
			for _, file := range files(t, s.cache) {
				if filepath.Ext(file) == ".map" {
					if err := os.Remove(file); err != nil {
						t.Fatal(err)
					}
				}
			}
		}, false, first},
		{"a broken record in the cache", func(t *testing.T, s *service) {
			for _, file := range files(t, s.cache) {
				if filepath.Dir(filepath.Dir(file)) == filepath.Join(s.cache, "esbuild") && filepath.Ext(file) == ".json" {
					if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}, false, first},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := monorepo(t)
			o := s.options("src/api.main", monorepoSettings)
			r, _ := build(t, o)
			if got := invoke(t, r, "nodejs20.x"); got != first || r.Reused {
				t.Fatalf("first %s, reused %v", got, r.Reused)
			}
			tt.change(t, s)
			r, _ = build(t, o)
			if got := invoke(t, r, "nodejs20.x"); got != tt.want || r.Reused != tt.reused {
				t.Errorf("%s, reused %v; want %s, %v", got, r.Reused, tt.want, tt.reused)
			}
		})
	}
}

func edit(name, text string) func(*testing.T, *service) {
	return func(t *testing.T, s *service) { testenv.WriteFiles(t, s.dir, map[string]string{name: text}) }
}

// relink puts a link to another version in a dependency's place, as pnpm does.
// No file that was read before has changed.
func relink(t *testing.T, s *service) {
	dep := filepath.Join(s.dir, "node_modules", "dep")
	if err := os.Rename(dep, filepath.Join(s.dir, "node_modules", ".dep@1")); err != nil {
		t.Fatal(err)
	}
	testenv.WriteFiles(t, s.dir, map[string]string{"node_modules/.dep@2/index.js": `module.exports = 'b'`})
	if err := os.Symlink(".dep@2", dep); err != nil {
		t.Skip(err)
	}
}

func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLinksOfDependenciesAreFollowedAgain(t *testing.T) {
	s := write(t, map[string]string{
		"api.ts":                       `import dep from 'dep'; export const main = async () => dep`,
		"node_modules/.dep@1/index.js": `module.exports = 1`,
		"node_modules/.dep@2/index.js": `module.exports = 2`,
	})
	link := filepath.Join(s.dir, "node_modules", "dep")
	for _, version := range []string{"1", "2"} {
		_ = os.Remove(link) // there is none at first
		if err := os.Symlink(".dep@"+version, link); err != nil {
			t.Skip(err)
		}
		if version == "1" {
			s.settle(t)
		}
		r, _ := build(t, s.options("api.main", ""))
		if got := invoke(t, r, "nodejs20.x"); got != version {
			t.Errorf("%s, want %s", got, version)
		}
	}
}

func TestDependenciesThatAreNotBundledAreInputs(t *testing.T) {
	s := write(t, map[string]string{
		"api.mts":                       `import dep from 'dep'; export const main = async () => dep`,
		"node_modules/dep/package.json": `{"main": "a.js"}`,
		"node_modules/dep/a.js":         `module.exports = 'a'`,
		"node_modules/dep/b.js":         `module.exports = 'b'`,
	})
	for _, want := range []string{"a", "b"} {
		testenv.WriteFiles(t, s.dir, map[string]string{"node_modules/dep/package.json": `{"main": "` + want + `.js"}`})
		if want == "a" {
			s.settle(t)
		}
		r, _ := build(t, s.options("api.main", `{"external": ["dep"]}`))
		if got := invoke(t, r, "nodejs20.x"); got != `"`+want+`"` {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestFilesWhoseTimesMeanNothing(t *testing.T) {
	s := write(t, map[string]string{"api.ts": `import dep from 'dep'; export const main = async () => dep`, "node_modules/dep/index.js": `module.exports = 1`})
	file, old := filepath.Join(s.dir, "node_modules", "dep", "index.js"), time.Date(1985, 10, 26, 8, 15, 0, 0, time.UTC)
	for version, reused := range []bool{false, false, true} {
		text := fmt.Sprintf("module.exports = %d", min(version, 1))
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o644), os.Chtimes(file, old, old)); err != nil {
			t.Fatal(err)
		}
		r, _ := build(t, s.options("api.main", ""))
		if got := invoke(t, r, "nodejs20.x"); got != fmt.Sprint(min(version, 1)) || r.Reused != reused {
			t.Errorf("build %d: %s, reused %v", version, got, r.Reused)
		}
	}
}

func TestWhatHasJustBeenWrittenIsNotTrusted(t *testing.T) {
	s := write(t, map[string]string{"api.ts": ""})
	file := filepath.Join(s.dir, "api.ts")
	for i := range 30 {
		if err := os.WriteFile(file, fmt.Appendf(nil, "export const main = async () => %d", 100+i), 0o644); err != nil {
			t.Fatal(err)
		}
		r, _ := build(t, s.options("api.main", ""))
		if text := code(t, r); !strings.Contains(text, fmt.Sprint(100+i)) {
			t.Fatalf("edit %d is not seen:\n%s", i, text)
		}
	}
}

func TestVariantsDoNotDisturbEachOther(t *testing.T) {
	s := write(t, map[string]string{"api.ts": `export const main = async (a: any) => a?.b`})
	var all []esbuild.Options
	for _, runtime := range []string{"nodejs22.x", "nodejs12.x"} {
		for _, settings := range []string{"", `{"minify": true}`} {
			o := s.options("api.main", settings)
			o.Runtime = runtime
			all = append(all, o)
		}
	}
	dirs := map[string]bool{}
	for round := range 2 {
		for _, o := range all {
			r, _ := build(t, o)
			dirs[r.Dir] = true
			if r.Reused != (round == 1) {
				t.Errorf("round %d, %s %s: reused %v", round, o.Runtime, o.Settings, r.Reused)
			}
		}
	}
	if len(dirs) != len(all) {
		t.Errorf("%d folders for %d variants", len(dirs), len(all))
	}
}

func TestTheCacheDoesNotGrow(t *testing.T) {
	s := write(t, map[string]string{"api.ts": ""})
	forgotten := filepath.Join(s.cache, "esbuild", "0123456789abcdef")
	testenv.WriteFiles(t, forgotten, map[string]string{"x.json": "{}"})
	old := time.Now().Add(-40 * 24 * time.Hour)
	if err := os.Chtimes(forgotten, old, old); err != nil {
		t.Fatal(err)
	}
	var r *esbuild.Result
	for i := range 20 {
		if r != nil { // another minute has passed
			for _, e := range entries(t, filepath.Dir(r.Dir)) {
				name := filepath.Join(filepath.Dir(r.Dir), e)
				st, err := os.Stat(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(name, time.Time{}, st.ModTime().Add(-time.Minute)); err != nil {
					t.Fatal(err)
				}
			}
		}
		testenv.WriteFiles(t, s.dir, map[string]string{"api.ts": fmt.Sprintf("export const main = async () => %d", i)})
		s.settle(t)
		if err := os.Chtimes(filepath.Join(s.dir, "api.ts"), time.Now(), time.Now().Add(time.Duration(i-100)*time.Second)); err != nil {
			t.Fatal(err)
		}
		r, _ = build(t, s.options("api.main", fmt.Sprintf(`{"footer": {"js": "// %d"}}`, i%10)))
		if r.Reused {
			t.Fatalf("edit %d is not seen", i)
		}
	}
	if left := entries(t, filepath.Dir(r.Dir)); len(left) > 3*4 {
		t.Errorf("after 20 builds there are %v", left)
	}
	if !strings.Contains(code(t, r), "=> 19") {
		t.Error("the last build is gone")
	}
	if _, err := os.Stat(forgotten); !os.IsNotExist(err) {
		t.Errorf("what nobody has asked for in 40 days is there: %v", err)
	}
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

func TestBuildsAtTheSameTime(t *testing.T) {
	testenv.Leaks(t)
	s := write(t, map[string]string{"src/api.ts": `import { a } from './a'; export const main = async () => a`, "src/a.ts": `export const a = 'a'`})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 4 {
				r, diags, err := esbuild.Build(t.Context(), s.options("src/api.main", fmt.Sprintf(`{"footer": {"js": "// %d"}}`, i)))
				if err != nil || diags.HasErrors() {
					t.Errorf("%v\n%s", err, printed(diags))
					return
				}
				data, err := os.ReadFile(filepath.Join(r.Dir, "src", "api.js"))
				if err != nil || !strings.Contains(string(data), fmt.Sprintf("// %d", i)) {
					t.Errorf("variant %d: %v\n%s", i, err, data)
				}
			}
		})
	}
	wg.Wait()
}

func TestSourcesAreLeftAlone(t *testing.T) {
	s := write(t, map[string]string{"src/api.ts": `import x from './x.bin'; export const main = async () => x`, "src/x.bin": "x"})
	before := files(t, s.dir)
	build(t, s.options("src/api.main", `{"loader": {".bin": "file"}}`))
	o := s.options("src/api.main", `{"loader": {".bin": "file"}}`)
	o.Cache = ""
	r, _ := build(t, o)
	if after := files(t, s.dir); !slices.Equal(before, after) {
		t.Errorf("files %v, before %v", after, before)
	}
	if r.Reused || !slices.Contains(r.Inputs, filepath.Join(s.dir, "src", "x.bin")) {
		t.Errorf("result %+v", r)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.Dir); !os.IsNotExist(err) {
		t.Errorf("the temporary folder is there after Close: %v", err)
	}
}

func TestCacheThatCannotBeWrittenTo(t *testing.T) {
	s := write(t, map[string]string{"api.ts": `export const main = async () => 1`})
	s.cache = filepath.Join(s.dir, "api.ts") // no folder
	r, _ := build(t, s.options("api.main", ""))
	if got := invoke(t, r, "nodejs20.x"); got != "1" {
		t.Errorf("result %s", got)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestWarningsAreRepeated(t *testing.T) {
	s := write(t, map[string]string{"api.ts": `export const main = (a: any) => a === NaN`})
	_, first := build(t, s.options("api.main", ""))
	r, second := build(t, s.options("api.main", ""))
	if !r.Reused || printed(first) != printed(second) || len(first) != 1 {
		t.Errorf("reused %v, first\n%sthen\n%s", r.Reused, printed(first), printed(second))
	}
}

func TestCanceledBuild(t *testing.T) {
	testenv.Leaks(t)
	s := write(t, map[string]string{"api.ts": `export const main = async () => 1`})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, _, err := esbuild.Build(ctx, s.options("api.main", "")); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("result %v, error %v", r, err)
	}
	build(t, s.options("api.main", ""))
}
