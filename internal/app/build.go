package app

import (
	"context"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/artifact/esbuild"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// built makes the code of a Node.js function whose project gives its sources
// to a bundler, or whose handler is TypeScript. release removes what is not
// kept for the next time.
func built(ctx context.Context, fn *lambda.Function, diags *diag.List, o Options) (out *lambda.Function, release func() error, err error) {
	release = func() error { return nil }
	if !strings.HasPrefix(fn.Runtime, "nodejs") || fn.Code.Dir == "" {
		return fn, release, nil
	}
	source, needed := esbuild.Source(fn.Code.Dir, fn.Handler)
	if source == "" || !needed && (fn.Build == nil || fn.Build.SAM) {
		return fn, release, nil
	}
	how := lambda.Build{Source: fn.SourceOf("Handler")}
	if fn.Build != nil {
		how = *fn.Build
	}
	if how.SAM {
		how.Settings = esbuild.FromSAM(how.Settings)
	}
	result, found, err := esbuild.Build(ctx, esbuild.Options{
		Dir: fn.Code.Dir, Handler: fn.Handler, Runtime: fn.Runtime, Settings: how.Settings, Cache: fsx.CacheDir(o.Env),
	})
	for i := range found {
		if found[i].Range.File == "" { // it is about the settings
			found[i].Range = at(how.Source)
		}
		found[i].Subject = fn.Path
	}
	if err != nil || found.HasErrors() {
		if err == nil {
			err = &Problem{Kind: InProject, List: found}
		}
		return nil, release, err
	}
	*diags = append(*diags, found...)
	copied := *fn
	copied.Code.Built = result.Dir
	copied.Code.SourceMaps = len(result.Env) > 0
	return &copied, result.Close, nil
}
