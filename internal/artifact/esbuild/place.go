package esbuild

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// placeNames are the expressions with which a source asks where it is.
func placeNames(esm bool) []string {
	names := []string{"import.meta.url", "import.meta.dirname", "import.meta.filename"}
	if !esm {
		names = append(names, "__dirname", "__filename") // an ES module has none
	}
	return names
}

// variable is the name that stands for such an expression.
func variable(name string) string {
	return "__lambkin_" + strings.ReplaceAll(strings.Trim(name, "_"), ".", "_")
}

// places gives each source its own place. esbuild's "define" replaces the
// expressions, where they are not names of the source's own, by variables;
// here each source that may need them gets them, behind what has to be at its
// start and in the same line, so that lines stay the same.
func (p *job) places(build api.PluginBuild) {
	head := regexp.MustCompile(`\A(?:#!.*)?(?:\s|//.*|(?s:/\*.*?\*/))*(?:(?:'use strict'|"use strict");?)?`)
	build.OnLoad(api.OnLoadOptions{Filter: `\.[cm]?[jt]sx?$`, Namespace: "file"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		source, err := os.ReadFile(a.Path)
		if err != nil || len(a.With) > 0 || !bytes.Contains(source, []byte("import.meta")) && !bytes.Contains(source, []byte("__dirname")) && !bytes.Contains(source, []byte("__filename")) {
			return api.OnLoadResult{}, nil // esbuild reads it, and reports errors
		}
		var vars strings.Builder
		for _, name := range placeNames(p.esm) {
			value := a.Path
			switch {
			case strings.HasSuffix(name, "url"):
				value = fileURL(a.Path)
			case strings.HasSuffix(name, "dirname"):
				value = filepath.Dir(a.Path)
			}
			vars.WriteString("var " + variable(name) + "=" + quote(value) + ";")
		}
		end := head.FindIndex(source)[1]
		text := string(source[:end]) + ";" + vars.String() + string(source[end:])
		return api.OnLoadResult{Contents: &text, ResolveDir: filepath.Dir(a.Path), Loader: api.LoaderDefault}, nil
	})
}
