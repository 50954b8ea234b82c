package esbuild

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/evanw/esbuild/pkg/cli"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// settings are esbuild's options as the project has them, and what the projects'
// tools add.
type settings struct {
	api.BuildOptions

	// apart: every source is compiled by itself, as with "bundle": false.
	apart bool
	// entries are the entry points by the path that their output gets, "" where
	// esbuild decides.
	entries []entryPoint
	// quiet: the project does not want NODE_OPTIONS to be set.
	quiet bool
}

type entryPoint struct{ in, out string }

// kind is the form of a setting's value.
type kind int

const (
	boolean  kind = iota // --name=true
	text                 // --name=value
	number               // --name=1
	list                 // --name=a,b
	each                 // --name:a --name:b
	table                // --name:key=value, a list of "key=value" in SAM
	switches             // --name:key=true
	document             // --name=JSON
)

// option is a setting that esbuild knows. Its name on esbuild's command line,
// through which settings go so that esbuild itself judges them, is the same
// in small letters with dashes.
type option struct {
	kind   kind
	values []string // what is allowed, nil when esbuild itself says so
}

var options = map[string]option{
	"alias":             {kind: table},
	"banner":            {kind: table},
	"bundle":            {kind: boolean},
	"charset":           {kind: text, values: []string{"ascii", "utf8"}},
	"conditions":        {kind: list},
	"define":            {kind: table},
	"drop":              {kind: each, values: []string{"console", "debugger"}},
	"dropLabels":        {kind: list},
	"external":          {kind: each},
	"footer":            {kind: table},
	"format":            {kind: text, values: []string{"cjs", "esm", "iife"}},
	"ignoreAnnotations": {kind: boolean},
	"inject":            {kind: each},
	"jsx":               {kind: text, values: []string{"automatic", "preserve", "transform"}},
	"jsxDev":            {kind: boolean},
	"jsxFactory":        {kind: text},
	"jsxFragment":       {kind: text},
	"jsxImportSource":   {kind: text},
	"jsxSideEffects":    {kind: boolean},
	"keepNames":         {kind: boolean},
	"legalComments":     {kind: text, values: []string{"eof", "external", "inline", "linked", "none"}},
	"lineLimit":         {kind: number},
	"loader":            {kind: table},
	"logOverride":       {kind: table},
	"mainFields":        {kind: list},
	"mangleProps":       {kind: text},
	"mangleQuoted":      {kind: boolean},
	"minify":            {kind: boolean},
	"minifyIdentifiers": {kind: boolean},
	"minifySyntax":      {kind: boolean},
	"minifyWhitespace":  {kind: boolean},
	"outExtension":      {kind: table},
	"packages":          {kind: text, values: []string{"bundle", "external"}},
	"platform":          {kind: text, values: []string{"browser", "neutral", "node"}},
	"preserveSymlinks":  {kind: boolean},
	"publicPath":        {kind: text},
	"pure":              {kind: each},
	"reserveProps":      {kind: text},
	"resolveExtensions": {kind: list},
	"sourceRoot":        {kind: text},
	"sourcesContent":    {kind: boolean},
	"supported":         {kind: switches},
	"target":            {kind: list},
	"treeShaking":       {kind: boolean},
	"tsconfig":          {kind: text},
	"tsconfigRaw":       {kind: document},
}

// special are settings with a meaning of their own, which may differ from
// esbuild's option of that name.
var special = map[string]func(*reader, string, any){
	"entryPoints":         (*reader).entryPoints,
	"exclude":             (*reader).exclude,
	"nodePaths":           (*reader).nodePaths,
	"outputFileExtension": (*reader).extension,
	"sourcemap":           (*reader).sourcemap,
}

// idle are settings that are known and do nothing here: they are about
// packing, about where output goes and what is printed, or are JavaScript.
var idle = []string{
	"absWorkingDir", "allowOverwrite", "assetNames", "buildConcurrency", "chunkNames", "color", "concurrency", "config", "configFile",
	"disableIncremental", "disposeContext", "entryNames", "globalName", "incremental", "installExtraArgs", "keepOutputDirectory",
	"logLevel", "logLimit", "mangleCache", "metafile", "nativeZip", "nodeExternals", "outbase", "outdir", "outfile", "outputBuildFolder",
	"outputWorkFolder", "packagePath", "packager", "packagerOptions", "plugins", "skipBuild", "skipBuildExcludeFns", "skipExternalsPacking",
	"skipRebuild", "splitting", "stdin", "stripEntryResolveExtensions", "useNpmCi", "watch", "write", "zipConcurrency",
}

// reader turns the project's settings into arguments for esbuild.
type reader struct {
	settings  *settings
	args      []string
	excluded  []string
	sourceMap string // --sourcemap's value, "" for no source map
	diags     diag.List
}

// readSettings applies the project's settings to the defaults, which are those
// of Serverless 4 and serverless-esbuild: what bundlers for AWS do, for the
// function's version of Node.js, without minifying.
func readSettings(data []byte, runtime string) (*settings, diag.List) {
	r := &reader{settings: &settings{}, sourceMap: "linked"}
	r.args = []string{"--platform=node", "--sources-content=false"} // the sources are on this machine
	if version := nodeVersion(runtime); version != "" {
		r.args = append(r.args, "--target=node"+version)
	}
	r.excluded = runtimeSDK(runtime)
	r.read(data)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	for _, name := range r.excluded {
		r.args = append(r.args, "--external:"+name)
	}
	if r.sourceMap != "" {
		r.args = append(r.args, "--sourcemap="+r.sourceMap)
	}
	o, err := cli.ParseBuildOptions(r.args)
	if err != nil { // each argument was good by itself
		r.diags.Errorf(diag.Range{}, "esbuild-setting", "the esbuild settings do not go together: %s", lower(err.Error()))
		return nil, r.diags
	}
	paths := r.settings.NodePaths
	r.settings.BuildOptions = o
	r.settings.NodePaths = paths
	r.settings.Bundle = true
	if r.settings.apart {
		r.settings.Packages = api.PackagesExternal
	}
	return r.settings, r.diags
}

// nodeVersion is "20" for "nodejs20.x", "8.10" for "nodejs8.10".
func nodeVersion(runtime string) string {
	version, ok := strings.CutPrefix(runtime, "nodejs")
	if !ok || version == "" || !unicode.IsDigit(rune(version[0])) {
		return ""
	}
	return strings.TrimSuffix(version, ".x")
}

// runtimeSDK is the AWS SDK that the runtime brings: version 3 from Node.js 18
// on, version 2 before.
func runtimeSDK(runtime string) []string {
	switch nodeVersion(runtime) {
	case "16", "14", "12", "10", "8.10", "6.10":
		return []string{"aws-sdk"}
	}
	return []string{"@aws-sdk/*"}
}

func (r *reader) read(data []byte) {
	if len(data) == 0 {
		return
	}
	var given map[string]any
	if err := json.Unmarshal(data, &given); err != nil {
		r.diags.Errorf(diag.Range{}, "esbuild-setting", "the esbuild settings are not a map of options").Detail = strings.TrimPrefix(err.Error(), "json: ")
		return
	}
	var without []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		opt, known := options[name]
		switch read := special[name]; {
		case read != nil:
			read(r, name, value)
		case known:
			r.option(name, opt, value)
		case slices.Contains(idle, name):
			without = append(without, name)
		default:
			d := r.diags.Warnf(diag.Range{}, "esbuild-setting", "there is no esbuild setting %q", name)
			if near := diag.Nearest(name, slices.Concat(slices.Sorted(maps.Keys(options)), slices.Sorted(maps.Keys(special)), idle)); near != "" {
				d.Hint = fmt.Sprintf("did you mean %q?", near)
			}
		}
	}
	if len(without) > 0 {
		r.diags.Notef(diag.Range{}, "esbuild-setting", "esbuild settings without effect in a local run: %s", strings.Join(without, ", "))
	}
}

// bad reports a value of the wrong form.
func (r *reader) bad(name, want string, value any) {
	got, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from JSON
	}
	r.diags.Errorf(diag.Range{}, "esbuild-setting", "the esbuild setting %q is to be %s, not %s", name, want, got)
}

func (r *reader) option(name string, opt option, value any) {
	if value == nil {
		return // YAML's empty value: esbuild takes undefined for "not set"
	}
	var args []string
	ok := true
	switch opt.kind {
	case boolean:
		var on bool
		if on, ok = value.(bool); ok && name == "bundle" {
			r.settings.apart = !on
			return
		}
		args = []string{fmt.Sprint("=", on)}
	case text:
		var s string
		s, ok = value.(string)
		args = []string{"=" + s}
	case number:
		var n float64
		n, ok = value.(float64)
		args = []string{fmt.Sprint("=", n)}
	case list, each:
		args, ok = words(value)
		if opt.kind == list {
			args = []string{"=" + strings.Join(args, ",")}
		} else {
			args = prefixed(":", args)
		}
	case table, switches:
		args, ok = pairs(value, opt.kind == switches)
	case document:
		args, ok = []string{"=" + jsonText(value)}, true
	}
	if !ok {
		r.bad(name, opt.kind.String(), value)
		return
	}
	for _, arg := range args {
		if word := strings.TrimLeft(arg, "=:"); opt.values != nil && !slices.Contains(opt.values, word) {
			d := r.diags.Errorf(diag.Range{}, "esbuild-setting", "the esbuild setting %q cannot be %q", name, word)
			d.Hint = "it can be " + strings.Join(opt.values, ", ")
			continue
		}
		r.add(name, "--"+dashed(name)+arg)
	}
}

func (k kind) String() string {
	return [...]string{
		"true or false", "a string", "a number", "a list of strings", "a list of strings", "a map of strings", "a map of true and false", "a map",
	}[k]
}

// add takes an argument that esbuild takes.
func (r *reader) add(name, arg string) {
	if _, err := cli.ParseBuildOptions([]string{arg}); err != nil {
		reason, _, _ := strings.Cut(err.Error(), ` in "--`)
		r.diags.Errorf(diag.Range{}, "esbuild-setting", "the esbuild setting %q cannot be used: %s", name, lower(reason))
		return
	}
	r.args = append(r.args, arg)
}

// words takes a list of strings; one string is a list of one, as for
// serverless-esbuild.
func words(value any) ([]string, bool) {
	if s, ok := value.(string); ok {
		return []string{s}, true
	}
	items, ok := value.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, isString := item.(string)
		out, ok = append(out, s), ok && isString
	}
	return out, ok
}

// pairs takes a map, or a list of "key=value".
func pairs(value any, switches bool) ([]string, bool) {
	if entries, ok := value.([]any); ok && !switches {
		out, ok := words(entries)
		return prefixed(":", out), ok && !slices.ContainsFunc(out, func(s string) bool { return !strings.Contains(s, "=") })
	}
	entries, ok := value.(map[string]any)
	var out []string
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		s, isString := entries[key].(string)
		if on, isBool := entries[key].(bool); switches {
			s, isString = fmt.Sprint(on), isBool
		}
		out, ok = append(out, ":"+key+"="+s), ok && isString && !strings.Contains(key, "=")
	}
	return out, ok
}

func prefixed(prefix string, words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = prefix + w
	}
	return out
}

// dashed is "keep-names" for "keepNames".
func dashed(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

func jsonText(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from JSON
	}
	return string(data)
}

// exclude names what is neither bundled nor packed, instead of the runtime's
// SDK; "*" is about packing alone.
func (r *reader) exclude(name string, value any) {
	names, ok := words(value)
	if !ok {
		r.bad(name, list.String(), value)
		return
	}
	r.excluded = slices.DeleteFunc(names, func(s string) bool { return s == "*" })
}

func (r *reader) nodePaths(name string, value any) {
	dirs, ok := words(value)
	if !ok {
		r.bad(name, list.String(), value)
		return
	}
	r.settings.NodePaths = dirs
}

func (r *reader) extension(name string, value any) {
	ext, ok := value.(string)
	if !ok || !slices.Contains(plain, ext) {
		r.bad(name, `".js", ".mjs" or ".cjs"`, value)
		return
	}
	r.args = append(r.args, "--out-extension:.js="+ext)
}

// sourcemap is esbuild's, or Serverless 4's map of type and setNodeOptions.
func (r *reader) sourcemap(name string, value any) {
	const want = `true, false, "linked", "inline", "external" or "both"`
	if m, ok := value.(map[string]any); ok {
		set, isBool := m["setNodeOptions"].(bool)
		if m["setNodeOptions"] != nil && !isBool {
			r.bad(name+".setNodeOptions", boolean.String(), m["setNodeOptions"])
		}
		r.settings.quiet = !set
		if value = m["type"]; value == nil {
			value = true
		}
	}
	switch v := value.(type) {
	case nil:
	case bool:
		if !v {
			r.sourceMap = ""
		}
	case string:
		if !slices.Contains([]string{"linked", "inline", "external", "both"}, v) {
			r.bad(name, want, value)
		}
		r.sourceMap = v
	default:
		r.bad(name, want, value)
	}
}

// entryPoints are files, or files by the names of their outputs.
func (r *reader) entryPoints(name string, value any) {
	if m, ok := value.(map[string]any); ok {
		for _, out := range slices.Sorted(maps.Keys(m)) {
			in, ok := m[out].(string)
			if !ok {
				r.bad(name, "a list of files", value)
				return
			}
			r.settings.entries = append(r.settings.entries, entryPoint{in, out})
		}
		return
	}
	files, ok := words(value)
	if !ok {
		r.bad(name, "a list of files", value)
		return
	}
	for _, file := range files {
		r.settings.entries = append(r.settings.entries, entryPoint{in: file})
	}
}

// entryOutputs are the entry points by the paths, without extension, that
// esbuild writes them to: relative to the deepest folder that holds all.
func (s *settings) entryOutputs() map[string][]string {
	base := ""
	for i, e := range s.entries {
		dir := path.Dir(path.Clean(filepath.ToSlash(e.in)))
		if i == 0 {
			base = dir
		}
		for base != "." && base != "/" && dir != base && !strings.HasPrefix(dir, base+"/") {
			base = path.Dir(base)
		}
	}
	outputs := map[string][]string{}
	for _, e := range s.entries {
		out := e.out
		if out == "" {
			in := path.Clean(filepath.ToSlash(e.in))
			out = strings.TrimSuffix(strings.TrimPrefix(in, base+"/"), path.Ext(in))
		}
		outputs[path.Clean(out)] = append(outputs[path.Clean(out)], e.in)
	}
	return outputs
}

// mapped reports whether Node.js is to use the source map.
func (s *settings) mapped() bool {
	return !s.quiet && s.Sourcemap != api.SourceMapNone && s.Sourcemap != api.SourceMapExternal
}

// FromSAM spells SAM's BuildProperties, a JSON object, as esbuild's settings:
// "MainFields" becomes "mainFields". SAM minifies unless it is told not to, and
// makes no source maps; here, as in a program that is being worked on, it is
// the other way round.
func FromSAM(properties []byte) []byte {
	var given map[string]json.RawMessage
	if json.Unmarshal(properties, &given) != nil {
		return properties // Build says what is wrong
	}
	out := map[string]json.RawMessage{}
	for name, value := range given {
		if name != "" {
			name = strings.ToLower(name[:1]) + name[1:]
		}
		out[name] = value
	}
	data, err := json.Marshal(out)
	if err != nil {
		panic(err) // its parts are JSON
	}
	return data
}
