// Package esbuild makes the code that Node.js runs out of TypeScript, or out of
// sources that the project has a bundler configured for: one file in lambkin's
// cache, at the place that the handler names. It is esbuild itself, as a
// library; nothing is installed and no process is started.
//
// The bundle lies in the cache, but it believes that it lies where the handler's
// source does: __dirname, __filename, import.meta.url and require are those of
// the handler's folder, for all sources in it. That is what they are on AWS,
// where the bundle takes the handler's place among the packaged files, and so
// path.join(__dirname, "page.html") finds there what it finds here. With the
// setting "bundle": false every source keeps its own place, as with compilers
// that write one file for each; then, too, packages are left to Node.js.
//
// Packages that are not bundled are looked up from the source that imports
// them, by Node.js when the bundle is CommonJS, while building when it is an ES
// module. What is not installed stays as written, for Node.js to complain of.
//
// The folder of the sources is never written to.
package esbuild

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/fsx"
)

// Options say what to build.
type Options struct {
	// Dir is the folder that the handler is relative to, absolute.
	Dir string
	// Handler is the function's handler, "src/api.main".
	Handler string
	// Runtime is the function's runtime, "nodejs20.x". It decides which syntax
	// is rewritten and which AWS SDK is left to the runtime.
	Runtime string
	// Settings are the project's own, one JSON object in the words of esbuild's
	// JavaScript API, nil for none: custom.esbuild of serverless-esbuild,
	// build.esbuild of Serverless 4, or what [FromSAM] makes of BuildProperties.
	Settings []byte
	// Cache is lambkin's cache folder; with "" the result is in a temporary folder.
	Cache string
}

// Result is built code.
type Result struct {
	// Dir holds the bundle at the handler's path.
	Dir string
	// Handler is the handler below Dir.
	Handler string
	// Env is what the process needs besides its own variables, NAME=VALUE. The
	// value of NODE_OPTIONS goes behind what the user's has, after a blank.
	Env []string
	// Inputs are the files that the code was made of, and those that said how:
	// when none of them changes the code does not either.
	Inputs []string
	// Reused is set when the code was made earlier.
	Reused bool

	temporary *fsx.Temp // with the code, nil where it is in the cache
}

// Close removes the code if it is in a temporary folder.
func (r *Result) Close() error {
	if r.temporary == nil {
		return nil
	}
	return r.temporary.Close()
}

// Build makes the handler's code, or finds that it was made before and nothing
// has changed since. The diagnostics are about the user's files: all errors
// and warnings of esbuild with their places, and those about settings, which
// have no place, because the caller alone knows where settings stand. With an
// error among them there is no result. The error is lambkin's own failure, or
// ctx's end. Builds of the same handler may run at the same time, also in
// several processes.
func Build(ctx context.Context, o Options) (*Result, diag.List, error) {
	p, diags := plan(o)
	if diags.HasErrors() {
		return nil, diags, nil
	}
	slot := openSlot(o, p)
	if r, kept := slot.find(); r != nil {
		return p.finish(r), append(diags, kept...), nil
	}
	made, err := p.build(ctx)
	if err != nil {
		return nil, diags, err
	}
	diags = append(diags, made.diags...)
	if diags.HasErrors() {
		return nil, diags, nil
	}
	r, err := slot.keep(made)
	if err != nil {
		return nil, diags, fmt.Errorf("keeping the code of %q: %w", o.Handler, err)
	}
	return p.finish(r), diags, nil
}

func (p *job) finish(r *Result) *Result {
	r.Handler = p.handler
	if p.settings.mapped() {
		r.Env = []string{"NODE_OPTIONS=--enable-source-maps"}
	}
	return r
}

// Extensions of sources, in the order in which serverless-esbuild tries them.
var (
	compiled = []string{".ts", ".tsx", ".mts", ".cts", ".jsx"}
	plain    = []string{".js", ".mjs", ".cjs"}
)

// Source finds the file below dir that a handler is written in, "" for none.
// needed says that Node.js cannot run it: it is TypeScript or JSX, and no
// JavaScript file of that name is beside it. Where both are there, file is the
// TypeScript.
func Source(dir, handler string) (file string, needed bool) {
	module, ok := split(handler)
	if !ok {
		return "", false
	}
	for _, name := range []string{module, path.Join(module, "index")} {
		file, script := first(dir, name, compiled), first(dir, name, plain)
		switch {
		case file != "":
			return file, script == ""
		case script != "":
			return script, false
		}
	}
	return "", false
}

func first(dir, name string, extensions []string) string {
	for _, ext := range extensions {
		file := filepath.Join(dir, filepath.FromSlash(name+ext))
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// split takes the file's path without its extension from a handler: all up to
// the first dot of the last element, as AWS's runtime does.
func split(handler string) (module string, ok bool) {
	folder, base := path.Split(handler)
	name, export, _ := strings.Cut(base, ".")
	module = path.Clean(folder + name)
	return module, name != "" && export != "" && filepath.IsLocal(filepath.FromSlash(module)) && !strings.Contains(handler, "..")
}

// job is what is known before esbuild runs.
type job struct {
	dir      string // absolute
	handler  string
	module   string // the handler's file without its extension, relative, with slashes
	entry    string // the source, absolute
	esm      bool   // the bundle is an ES module
	ext      string // of the bundle
	settings *settings

	resolved sync.Map // where packages are that are not bundled, see resolve
}

// plan decides what there is to decide from the options, the names of files and
// package.json.
func plan(o Options) (*job, diag.List) {
	s, diags := readSettings(o.Settings, o.Runtime)
	p := &job{dir: filepath.Clean(o.Dir), handler: o.Handler, settings: s}
	var ok bool
	if p.module, ok = split(o.Handler); !ok {
		diags.Errorf(diag.Range{}, "handler", "%q is not a handler", o.Handler).
			Hint = `a handler is a file, a dot and the name that the file exports: "src/api.main"`
	}
	if diags.HasErrors() {
		return nil, diags
	}
	if p.entry = p.source(&diags); p.entry == "" {
		p.noSource(&diags)
		return nil, diags
	}
	p.format(&diags)
	return p, diags
}

// source is the handler's source: the entry point that is written to the
// handler's place, or the file that the handler names.
func (p *job) source(diags *diag.List) string {
	named, _ := Source(p.dir, p.handler)
	outputs := p.settings.entryOutputs()
	if len(outputs) == 0 {
		return named
	}
	for _, entry := range outputs[p.module] {
		file := entry
		if !filepath.IsAbs(file) {
			file = filepath.Join(p.dir, filepath.FromSlash(entry))
		}
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() {
			return file
		}
		if file := first("", file, slices.Concat(compiled, plain)); file != "" {
			return file
		}
	}
	if named != "" {
		diags.Warnf(diag.Range{}, "esbuild-setting", "the esbuild setting %q has no entry point for the handler %q", "entryPoints", p.handler).
			Hint = "add the handler's file to the entry points: it will be missing on AWS"
	}
	return named
}

func (p *job) noSource(diags *diag.List) {
	d := diags.Errorf(diag.Range{}, "handler-source", "the handler %q needs a file %s.ts or %[2]s.js, which is not in %[3]q", p.handler, p.module, p.dir)
	if i := strings.LastIndexByte(p.handler, '.'); first(p.dir, p.handler[:i], slices.Concat(compiled, plain)) != "" {
		d.Hint = "rename the file so that its name has no dot but that of its extension: AWS ends the file's name at the first dot"
		return
	}
	entries, _ := os.ReadDir(filepath.Join(p.dir, filepath.FromSlash(path.Dir(p.module))))
	var names []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); slices.Contains(compiled, ext) || slices.Contains(plain, ext) {
			names = append(names, strings.TrimSuffix(e.Name(), ext))
		}
	}
	if near := diag.Nearest(path.Base(p.module), names); near != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", path.Join(path.Dir(p.module), near))
	}
}

// format decides between CommonJS and ES modules: the settings, else the
// source's extension, else package.json, as Serverless 4 and Node.js do.
func (p *job) format(diags *diag.List) {
	o := &p.settings.BuildOptions
	ext := filepath.Ext(p.entry)
	switch {
	case o.Format != api.FormatDefault:
		p.esm = o.Format == api.FormatESModule
	case o.Platform == api.PlatformNeutral, ext == ".mts", ext == ".mjs":
		p.esm = true
	case ext == ".cts", ext == ".cjs":
	default:
		p.esm = isModule(filepath.Dir(p.entry))
	}
	if o.Format == api.FormatDefault {
		o.Format = map[bool]api.Format{true: api.FormatESModule, false: api.FormatCommonJS}[p.esm]
	}
	p.ext = ".js"
	if ext := o.OutExtension[".js"]; ext != "" {
		p.ext = ext
	}
	// serverless-esbuild refuses these, and Node.js would not load them.
	if p.esm && p.ext == ".cjs" || !p.esm && p.ext == ".mjs" {
		diags.Errorf(diag.Range{}, "esbuild-setting", "the esbuild setting %q gives the file an extension that does not fit its format: %s is not %s", "outExtension", p.ext, formatName(p.esm)).
			Hint = fmt.Sprintf("set \"format\" to %q, or leave the extension out", map[bool]string{true: "cjs", false: "esm"}[p.esm])
	}
}

func formatName(esm bool) string {
	if esm {
		return "an ES module"
	}
	return "CommonJS"
}
