package esbuild

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// extended adds the files that a tsconfig.json extends to files, those that
// are there.
func extended(file string, files map[string]bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return
	}
	var config struct {
		Extends any `json:"extends"`
	}
	if json.Unmarshal(doc.PlainJSON(data), &config) != nil {
		return // esbuild says so
	}
	names, _ := words(config.Extends)
	for _, name := range names {
		base := findConfig(name, filepath.Dir(file))
		if base != "" && !files[base] {
			files[base] = true
			extended(base, files)
		}
	}
}

// findConfig finds what "extends" names: a file, or one of a package.
func findConfig(name, dir string) string {
	if isRelative(name) || filepath.IsAbs(name) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, filepath.FromSlash(name))
		}
		return firstFile(name, name+".json")
	}
	for {
		base := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
		if file := firstFile(base, base+".json", filepath.Join(base, "tsconfig.json")); file != "" {
			return file
		}
		parent := filepath.Dir(dir)
		if parent == dir || strings.HasPrefix(name, "..") {
			return ""
		}
		dir = parent
	}
}

func firstFile(names ...string) string {
	for _, name := range names {
		if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
			return name
		}
	}
	return ""
}

// isModule reports whether the nearest package.json makes .js and .ts files in
// dir ES modules.
func isModule(dir string) bool {
	for {
		if data, err := os.ReadFile(filepath.Join(dir, "package.json")); err == nil {
			var manifest struct {
				Type string `json:"type"`
			}
			return json.Unmarshal(data, &manifest) == nil && manifest.Type == "module"
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}
