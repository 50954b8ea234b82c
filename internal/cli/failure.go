package cli

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Failure prints in one line why a function has failed, with the property of
// the project that has to do with it, and what to do where that is known.
func (s *Streams) Failure(fn *lambda.Function, res *lambda.Result) {
	s.Diags(diag.List{failure(fn, res)})
}

// failed is what error objects of all runtimes have.
type failed struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func failure(fn *lambda.Function, res *lambda.Result) diag.Diagnostic {
	var e failed
	_ = json.Unmarshal(res.Payload, &e) // what is no object shows no more than that it failed
	e.Message, _, _ = strings.Cut(strings.TrimPrefix(e.Message, "RequestId: "+res.RequestID+" Error: "), "\n")
	d := diag.Diagnostic{Code: "function-failed", Subject: fn.Path, Summary: fmt.Sprintf("function %s failed", fn.Path)}
	if e.Type != "" {
		d.Summary += ": " + e.Type
	}
	if e.Message != "" {
		d.Summary += ": " + e.Message
	}
	property := ""
	switch {
	case res.ErrorType == lambda.TimedOut:
		d.Summary = fmt.Sprintf("function %s timed out after %.2f s", fn.Path, fn.Timeout.Seconds())
		d.Hint, property = "raise its timeout, or run it with --no-timeout", "Timeout"
	case e.Type == "Runtime.ImportModuleError":
		d.Hint, property = missingModule(fn, e.Message)
	case strings.Contains(e.Message, "EROFS") || strings.Contains(e.Message, "Read-only file system"):
		d.Hint = "as on AWS, a function can write to /tmp and nowhere else; --isolation process lets it"
	case e.Type == "Runtime.HandlerNotFound", e.Type == "Runtime.MalformedHandlerName":
		property = "Handler"
	}
	if at, ok := fn.Sources[property]; ok {
		d.Range = diag.Range{File: at.File, Start: diag.Pos{Line: at.Line, Column: at.Column}}
	}
	return d
}

// module is how runtimes name a module that they have not found.
var module = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:No module named|Cannot find module) '([^']+)'`) })

// brought are modules that AWS's runtimes have without the function's doing.
var brought = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(boto3|botocore|s3transfer|jmespath|aws-sdk|@aws-sdk/.*|@smithy/.*)$`)
})

// missingModule says what to do about a module that was not found, and which
// property to point to: the handler when it is the handler's own module.
func missingModule(fn *lambda.Function, message string) (hint, property string) {
	m := module().FindStringSubmatch(message)
	if m == nil {
		return "", "Handler"
	}
	name, python := m[1], strings.HasPrefix(fn.Runtime, "python")
	if fn.PackageType == lambda.Image {
		return "the function's image lacks it: build the image anew", ""
	}
	install := "npm install " + name
	if python {
		name, _, _ = strings.Cut(name, ".")
		install = "pip install " + name
	}
	switch {
	case name == handlerModule(fn, python):
		return missingHandler(fn, python), "Handler"
	case filepath.IsAbs(name) || strings.HasPrefix(name, "."):
		return "", ""
	case brought().MatchString(name):
		return fmt.Sprintf("AWS's runtime brings %s, this machine does not: %s", name, install), ""
	case python:
		return fmt.Sprintf("%s in the virtual environment that is active, or build the project first", install), ""
	}
	return fmt.Sprintf("install the function's dependencies in %s, or build the project first", fn.Code.Dir), ""
}

// handlerModule is the handler's module as its runtime names it when it is missing.
func handlerModule(fn *lambda.Function, python bool) string {
	file := strings.ReplaceAll(fn.Handler, "\\", "/")
	if python {
		name, _, _ := strings.Cut(strings.ReplaceAll(file, "/", "."), ".")
		return name
	}
	name, _, _ := strings.Cut(path.Base(file), ".")
	return name
}

// missingHandler says where the handler's file was looked for.
func missingHandler(fn *lambda.Function, python bool) string {
	dir, _ := path.Split(fn.Handler)
	name, _, _ := strings.Cut(path.Base(fn.Handler), ".")
	file := filepath.Join(fn.Code.Dir, filepath.FromSlash(dir+name))
	if python {
		return fmt.Sprintf("the code in %s has no such module; check the handler and the code's folder", fn.Code.Dir)
	}
	return fmt.Sprintf("there is no %s.js, .mjs or .cjs; check the handler and the code's folder", file)
}
