package script

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"
)

// The formats of bundles. CommonJS starts sooner and is tried first. An ES
// module can do what CommonJS cannot: await at the top level, and import
// packages that are ES modules on versions of Node.js that cannot require them.
const (
	commonJS = "cjs"
	esModule = "esm"
)

// bundle is a script with the files that it imports, but not the packages.
type bundle struct {
	format string
	code   string
	err    *Error
}

// build bundles a script in this format, or as an ES module if need be.
//
// The bundle runs in the place of the script, so that packages are found from
// there. Each file in it still has its own __filename, __dirname and
// import.meta.url, and stacks speak of the files. What two scripts import both
// have of their own.
func build(s script, format string) bundle {
	options := api.BuildOptions{
		EntryPoints:    []string{s.path},
		AbsWorkingDir:  filepath.Dir(s.path),
		Outdir:         filepath.Dir(s.path), // nothing is written; source maps are relative to it
		AllowOverwrite: true,
		Bundle:         true,
		Platform:       api.PlatformNode,
		Engines:        []api.Engine{{Name: api.EngineNode, Version: "16"}},
		Format:         api.FormatCommonJS,
		Charset:        api.CharsetUTF8,
		KeepNames:      true,
		Sourcemap:      api.SourceMapInline,
		SourcesContent: api.SourcesContentExclude,
		Plugins:        []api.Plugin{{Name: "packages", Setup: leavePackages}, {Name: "places", Setup: keepPlaces}},
		Define: map[string]string{
			"__filename": "__lambkin_filename", "import.meta.filename": "__lambkin_filename",
			"__dirname": "__lambkin_dirname", "import.meta.dirname": "__lambkin_dirname",
			"import.meta.url": "__lambkin_url",
		},
	}
	if format == esModule {
		options.Format = api.FormatESModule
	}
	result := api.Build(options)
	switch {
	case len(result.Errors) == 0:
		return bundle{format: format, code: string(result.OutputFiles[0].Contents)}
	case format == commonJS && slices.ContainsFunc(result.Errors, awaitsAtTop):
		return build(s, esModule)
	}
	return bundle{format: format, err: s.unbundled(result.Errors)}
}

// awaitsAtTop tells that a file can be nothing but an ES module.
func awaitsAtTop(m api.Message) bool { return strings.HasPrefix(m.Text, "Top-level await") }

// unbundled is the error of a script that cannot be bundled.
func (s script) unbundled(messages []api.Message) *Error {
	first := messages[0]
	err := s.problem("script-syntax", "%q cannot be read: %s", s.name, first.Text)
	if strings.HasPrefix(first.Text, "Could not resolve ") {
		err.Code = "script-module"
	}
	if at := first.Location; at != nil {
		path := filepath.Join(filepath.Dir(s.path), filepath.FromSlash(at.File))
		column := utf8.RuneCountInString(at.LineText[:min(at.Column, len(at.LineText))]) + 1
		err.Range = s.at(path, at.Line, column)
	}
	for _, note := range first.Notes {
		err.Detail = strings.TrimSpace(err.Detail + "\n" + note.Text)
	}
	if more := len(messages) - 1; more > 0 {
		err.Detail = strings.TrimSpace(fmt.Sprintf("%s\nThere are %d more errors.", err.Detail, more))
	}
	return err
}

// leavePackages leaves imports of packages to Node.js. What only looks like
// one is bundled: a path that tsconfig.json maps to a file of the project, and
// a workspace's package that is TypeScript.
func leavePackages(b api.PluginBuild) {
	type looked struct{}
	b.OnResolve(api.OnResolveOptions{Filter: `^[^./]`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		if _, again := args.PluginData.(looked); again || args.Kind == api.ResolveEntryPoint || filepath.IsAbs(args.Path) {
			return api.OnResolveResult{}, nil
		}
		found := b.Resolve(args.Path, api.ResolveOptions{
			Importer: args.Importer, ResolveDir: args.ResolveDir, Kind: args.Kind, PluginData: looked{},
		})
		inPackage := strings.Contains(filepath.ToSlash(found.Path), "/node_modules/")
		if len(found.Errors) == 0 && !found.External && found.Namespace == "file" && !inPackage {
			return api.OnResolveResult{Path: found.Path}, nil
		}
		return api.OnResolveResult{Path: args.Path, External: true}, nil
	})
}

var loaders = map[string]api.Loader{
	".ts": api.LoaderTS, ".cts": api.LoaderTS, ".mts": api.LoaderTS, ".tsx": api.LoaderTSX,
	".js": api.LoaderJS, ".cjs": api.LoaderJS, ".mjs": api.LoaderJS, ".jsx": api.LoaderJSX,
}

// keepPlaces tells each file where it lies. The constants stand before its
// first line, on that line, and the bundler keeps those of several files apart.
func keepPlaces(b api.PluginBuild) {
	b.OnLoad(api.OnLoadOptions{Filter: `\.[cm]?[jt]sx?$`, Namespace: "file"}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
		src, err := os.ReadFile(args.Path)
		if err != nil {
			return api.OnLoadResult{}, err
		}
		text := strings.TrimPrefix(string(src), "\ufeff")
		if strings.HasPrefix(text, "#!") {
			text = "//" + text
		}
		text = places(args.Path) + text
		return api.OnLoadResult{Contents: &text, Loader: loaders[strings.ToLower(filepath.Ext(args.Path))]}, nil
	})
}

func places(path string) string {
	return fmt.Sprintf("const __lambkin_filename = %s, __lambkin_dirname = %s, __lambkin_url = %s; ",
		quote(path), quote(filepath.Dir(path)), quote(fileURL(path)))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON text
	}
	return string(b)
}

func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
