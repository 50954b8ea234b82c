package esbuild

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// made is what esbuild has made.
type made struct {
	files  map[string][]byte // by their names below the code's folder, with slashes
	inputs []string          // absolute
	diags  diag.List
	began  time.Time
}

// build runs esbuild. It writes nothing: outputs are named as if they were
// written beside the sources, so that what they say of each other and of files
// that are not bundled is right there.
func (p *job) build(ctx context.Context) (*made, error) {
	m := &made{began: time.Now(), files: map[string][]byte{}}
	bc, problem := api.Context(p.options())
	if problem != nil {
		m.diags = messages(nil, problem.Errors)
		return m, nil
	}
	defer bc.Dispose()
	stop := context.AfterFunc(ctx, bc.Cancel)
	defer stop()
	r := bc.Rebuild()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.diags = messages(r.Warnings, r.Errors)
	if m.diags.HasErrors() {
		return m, nil
	}
	for _, f := range r.OutputFiles {
		name, err := filepath.Rel(p.dir, f.Path)
		if err != nil {
			return nil, err
		}
		m.files[filepath.ToSlash(name)] = f.Contents
	}
	bundle := p.module + p.ext
	m.files[bundle] = p.strict(m.files[bundle])
	// Node.js is to take .js files for what they are, whatever is above the cache.
	m.files["package.json"] = []byte(`{"type": "` + map[bool]string{true: "module", false: "commonjs"}[p.esm] + "\"}\n")
	var meta struct {
		Inputs map[string]struct{} `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(r.Metafile), &meta); err != nil {
		return nil, fmt.Errorf("reading esbuild's list of inputs: %w", err)
	}
	for input := range meta.Inputs {
		if filepath.IsAbs(input) {
			m.inputs = append(m.inputs, input)
		}
	}
	// The bundle names these, as if it held them.
	p.resolved.Range(func(_, path any) bool {
		if filepath.IsAbs(path.(string)) {
			m.inputs = append(m.inputs, path.(string))
		}
		return true
	})
	return m, nil
}

// options are esbuild's for this job.
func (p *job) options() api.BuildOptions {
	o := p.settings.BuildOptions
	o.LogLevel = api.LogLevelSilent
	o.AbsPaths = api.LogAbsPath | api.MetafileAbsPath
	o.AbsWorkingDir = p.dir
	o.Metafile = true
	o.Write = false
	o.AllowOverwrite = true // of sources, by outputs that are not written
	o.Outdir, o.Outbase = p.dir, p.dir
	o.EntryPointsAdvanced = []api.EntryPoint{{InputPath: p.entry, OutputPath: p.module}}
	o.OutExtension = map[string]string{".js": p.ext}
	o.AssetNames = "[dir]/[name]" // the files themselves
	if o.SourceRoot == "" {
		o.SourceRoot = fileURL(p.place()) + "/"
	}
	banner := o.Banner["js"]
	if strings.HasPrefix(banner, "#!") {
		banner = "//" + banner // it was to be the first line
	}
	o.Banner = with(o.Banner, "js", strings.TrimSuffix(p.prologue()+"\n"+banner, "\n"))
	o.Plugins = []api.Plugin{{Name: "external", Setup: p.externals}}
	if p.settings.apart {
		for _, name := range placeNames(p.esm) {
			if _, own := o.Define[name]; !own {
				o.Define = with(o.Define, name, variable(name))
			}
		}
		o.Plugins = append(o.Plugins, api.Plugin{Name: "places", Setup: p.places})
	}
	return o
}

// with is m and one entry more.
func with(m map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// place is the folder that the bundle believes to be in.
func (p *job) place() string {
	return filepath.Join(p.dir, filepath.FromSlash(path.Dir(p.module)))
}

// prologue gives the bundle the place of the handler's source. It is one line.
func (p *job) prologue() string {
	dir := p.place()
	file := filepath.Join(p.dir, filepath.FromSlash(p.module+p.ext))
	if p.esm {
		// Older versions of Node.js have neither dirname nor filename.
		return fmt.Sprintf("import.meta.url=%s;if(import.meta.dirname){import.meta.dirname=%s;import.meta.filename=%s}",
			quote(fileURL(file)), quote(dir), quote(file))
	}
	return fmt.Sprintf("require=require(\"module\").createRequire(%s);__filename=%[1]s;__dirname=%s;", quote(file), quote(dir))
}

// strict brings the directive "use strict", which esbuild writes behind the
// banner, before the prologue: it counts only where it is first. No code
// changes its line or column, so the source map stays right. Behind a banner
// of the project's own it does not count on AWS either.
func (p *job) strict(code []byte) []byte {
	const directive = `"use strict";`
	prologue := p.prologue() + "\n"
	return bytes.Replace(code, []byte(prologue+directive), []byte(directive+prologue+strings.Repeat(" ", len(directive))), 1)
}

// quote makes a JavaScript string.
func quote(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings have a JSON form
	}
	return string(data)
}

// fileURL is the URL of an absolute path.
func fileURL(file string) string {
	p := filepath.ToSlash(filepath.Clean(file))
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/x
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}
