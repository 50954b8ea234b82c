package esbuild

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// required is a package that the bundle requires when it runs.
type required struct{ name, importer string }

// externalModules is the namespace of modules that stand for such packages.
const externalModules = "external"

// externals makes what is not bundled found from the cache. esbuild itself says
// what that is; its answer is asked for only where it can be yes.
func (p *job) externals(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `.*`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		addon := p.isAddon(a.Path)
		if a.PluginData == p || a.Namespace == externalModules || a.Kind == api.ResolveEntryPoint || !addon && !p.mayBeExternal(a.Path) {
			return api.OnResolveResult{}, nil
		}
		found := build.Resolve(a.Path, api.ResolveOptions{
			Importer: a.Importer, Namespace: a.Namespace, ResolveDir: a.ResolveDir, Kind: a.Kind, With: a.With, PluginData: p,
		})
		switch {
		case len(found.Errors) > 0:
			return api.OnResolveResult{}, nil // esbuild comes to the same errors, with their place
		case !found.External && addon:
			return api.OnResolveResult{Path: found.Path, External: true}, nil
		case !found.External:
			return api.OnResolveResult{}, nil
		}
		return p.external(found.Path, a), nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: externalModules}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		r := a.PluginData.(required)
		code := fmt.Sprintf("module.exports = require(\"module\").createRequire(%s)(%s)", quote(r.importer), quote(r.name))
		return api.OnLoadResult{Contents: &code, Loader: api.LoaderJS, ResolveDir: p.dir}, nil
	})
}

// external says how the bundle comes to what is not bundled.
func (p *job) external(name string, a api.OnResolveArgs) api.OnResolveResult {
	if a.Kind == api.ResolveJSDynamicImport && !p.esm && !p.keepsImport() {
		a.Kind = api.ResolveJSRequireCall
	}
	// What is imported when the bundle runs has a URL, what is required a path.
	imports := a.Kind == api.ResolveJSDynamicImport || p.esm && a.Kind == api.ResolveJSImportStatement
	switch {
	case a.Kind > api.ResolveJSRequireResolve, strings.Contains(name, ":") && !filepath.IsAbs(name):
		return api.OnResolveResult{} // style sheets; node:fs, https://
	case isRelative(name) || filepath.IsAbs(name):
		return p.externalFile(name, imports)
	case !p.esm && a.Kind == api.ResolveJSRequireResolve:
		return api.OnResolveResult{} // the bundle's require looks from the handler's folder
	case !p.esm && !imports:
		importer := a.Importer
		if !filepath.IsAbs(importer) {
			importer = p.entry
		}
		return api.OnResolveResult{Path: name + " for " + importer, Namespace: externalModules, PluginData: required{name, importer}}
	}
	path := p.resolve(name, a)
	if path == "" {
		return api.OnResolveResult{Path: name, External: true}
	}
	if imports && filepath.IsAbs(path) {
		path = fileURL(path)
	}
	return api.OnResolveResult{Path: path, External: true}
}

// keepsImport reports whether import() stays so: the CommonJS of Node.js before
// 13.2 has none, and esbuild makes it require.
func (p *job) keepsImport() bool {
	return !slices.ContainsFunc(p.settings.Engines, func(e api.Engine) bool {
		major, _, _ := strings.Cut(e.Version, ".")
		n, err := strconv.Atoi(major)
		return e.Name == api.EngineNode && err == nil && n <= 13
	})
}

// externalFile is for a file that is not bundled. Like the bundle it is meant to
// be at its place below the handler's folder.
func (p *job) externalFile(name string, imports bool) api.OnResolveResult {
	if isRelative(name) {
		if !p.esm && !imports {
			return api.OnResolveResult{} // the bundle's require looks there
		}
		name = filepath.Join(p.place(), filepath.FromSlash(name))
	}
	if imports {
		name = fileURL(name)
	}
	return api.OnResolveResult{Path: name, External: true}
}

func isRelative(name string) bool {
	return name == "." || name == ".." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
}

// mayBeExternal reports whether a setting may keep name out of the bundle.
func (p *job) mayBeExternal(name string) bool {
	s := p.settings
	if s.Packages == api.PackagesExternal && !isRelative(name) && !filepath.IsAbs(name) {
		return true
	}
	for old := range s.Alias {
		if name == old || strings.HasPrefix(name, old+"/") {
			return true
		}
	}
	for _, pattern := range s.External {
		before, after, star := strings.Cut(pattern, "*")
		switch {
		case isRelative(pattern) || filepath.IsAbs(pattern):
			return true // it is the file that counts, not how it is named
		case star && strings.HasPrefix(name, before) && strings.HasSuffix(name, after), name == pattern, strings.HasPrefix(name, pattern+"/"):
			return true
		}
	}
	return false
}

// isAddon reports whether name is a native addon: no bundler can take it in, and
// Node.js wants it where it is.
func (p *job) isAddon(name string) bool {
	_, own := p.settings.Loader[".node"]
	return strings.HasSuffix(name, ".node") && !own
}

// resolve is nodeResolve, once for each question. It is called from several
// goroutines.
func (p *job) resolve(name string, a api.OnResolveArgs) string {
	key := fmt.Sprint(a.Kind, a.ResolveDir, "\n", name)
	if path, ok := p.resolved.Load(key); ok {
		return path.(string)
	}
	path := nodeResolve(name, a.ResolveDir, a.Kind)
	p.resolved.Store(key, path)
	return path
}

// nodeResolve finds what name means to Node.js in the folder dir, "" when it is
// not there. It is esbuild's resolver without the project's settings, which
// are for bundling.
func nodeResolve(name, dir string, kind api.ResolveKind) string {
	var path string
	api.Build(api.BuildOptions{
		Stdin:       &api.StdinOptions{ResolveDir: dir},
		Bundle:      true,
		Platform:    api.PlatformNode,
		Conditions:  []string{}, // not "module", which is for bundlers
		TsconfigRaw: "{}",
		LogLevel:    api.LogLevelSilent,
		Plugins: []api.Plugin{{Name: "resolve", Setup: func(build api.PluginBuild) {
			build.OnStart(func() (api.OnStartResult, error) {
				path = build.Resolve(name, api.ResolveOptions{ResolveDir: dir, Kind: kind}).Path
				return api.OnStartResult{}, nil
			})
		}}},
	})
	return path
}
