package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// UnknownFunction says that no function of the project has the wanted name.
type UnknownFunction struct {
	*Problem
	Name string
	// Candidates are the paths of the functions that there are.
	Candidates []string
}

// Unwrap gives the problem.
func (u *UnknownFunction) Unwrap() error { return u.Problem }

// Refusal is a problem for which SAM CLI and Lambda's API have words of their
// own, which scripts look for.
type Refusal struct {
	*Problem
	Message string
}

// Unwrap gives the problem.
func (r *Refusal) Unwrap() error { return r.Problem }

// choose finds the function that the user means. The error is of type
// *[UnknownFunction] or *[Refusal].
func choose(p *lambda.Project, diags *diag.List, o Options) (*lambda.Function, error) {
	if o.Function == "" {
		if len(p.Functions) == 1 {
			return p.Functions[0], nil
		}
		return nil, unknownFunction(p, "")
	}
	if _, ok := project.PlainName(o.Function); !ok && o.Vocabulary == SAM {
		return nil, invalidName(o.Function)
	}
	fn, all := project.Lookup(p, o.Function)
	if fn == nil {
		return nil, unknownFunction(p, o.Function)
	}
	if len(all) > 1 {
		ambiguous(diags, o, all)
	}
	return fn, nil
}

// ambiguous warns that the first of several functions is taken.
func ambiguous(diags *diag.List, o Options, all []*lambda.Function) {
	taken := all[0]
	paths := make([]string, 0, len(all))
	for _, f := range all {
		paths = append(paths, f.Path)
	}
	if o.Vocabulary == SAM {
		d := diags.Warnf(at(taken.Source), "ambiguous-function",
			"Multiple functions found with keyword %s! Function %s will be invoked! If it's not the function you are going to invoke, please choose one of them from below:",
			o.Function, taken.Path)
		d.Detail = strings.Join(paths, "\n")
		return
	}
	diags.Warnf(at(taken.Source), "ambiguous-function", "%q may mean %s; %s is taken", o.Function, strings.Join(paths, " or "), taken.Path).
		Hint = "give the whole path"
}

func unknownFunction(p *lambda.Project, name string) *UnknownFunction {
	u := &UnknownFunction{Name: name}
	known := make([]string, 0, 3*len(p.Functions))
	for _, f := range p.Functions {
		u.Candidates = append(u.Candidates, f.Path)
		known = append(known, f.Path, f.LogicalID, f.Name)
	}
	d := diag.Diagnostic{Code: "unknown-function", Range: diag.Range{File: p.File}, Hint: choices(u.Candidates)}
	if name == "" {
		d.Summary = fmt.Sprintf("which function? The project has %d", len(p.Functions))
	} else {
		d.Summary = fmt.Sprintf("there is no function %q", name)
		plain, _ := project.PlainName(name)
		if near := diag.Nearest(plain, known); near != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	if len(p.Functions) == 0 {
		d.Summary, d.Hint = "the project has no Lambda functions", ""
	}
	u.Problem = problem(InProject, d)
	return u
}

// choices lists the names that may be given, as many as can be read.
func choices(names []string) string {
	const most = 12
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more (see lambkin list)", len(names)-most)
	}
	return "its functions are " + list
}

// namePattern is the rule that SAM CLI and Lambda's API quote to whoever gives
// a name that cannot be one.
const namePattern = `^(arn:[^:]+:lambda:[^:]*:\d{12}:function:|\d{12}:function:)?[a-zA-Z0-9-_\.]+(:[\w$-]+)?$`

func invalidName(name string) *Refusal {
	return &Refusal{
		Problem: BadCall("names have letters, digits and -_. only", "%q cannot be the name of a function", name),
		Message: fmt.Sprintf("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: %s", name, namePattern),
	}
}

// prepare makes the chosen function what the options want it to be. The error
// says why it cannot be run.
func prepare(fn *lambda.Function, diags *diag.List, file string, o Options) (*lambda.Function, error) {
	fn, err := withRuntime(fn, diags, o.Runtime)
	if err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, broken(*diags, file)
	}
	if o.Vocabulary == Serverless {
		fn = withKnownRuntime(fn, diags)
	}
	if err := withoutImage(fn, o.Vocabulary); err != nil {
		return nil, err
	}
	warnRetired(diags, fn)
	return debugged(fn, o.Debug)
}

// broken is the error of a function that its project leaves unusable.
func broken(diags diag.List, file string) error {
	p := &Problem{Kind: InProject, List: diags, File: file}
	for _, d := range diags {
		if d.Severity != diag.Error || d.Code != "layer-arn" {
			continue
		}
		// The loader's summary begins with the ARN in quotes.
		if quoted, err := strconv.QuotedPrefix(d.Summary); err == nil {
			arn, _ := strconv.Unquote(quoted) // it is one
			return &Refusal{Problem: p, Message: arn + " is an Invalid Layer Arn."}
		}
	}
	return p
}

// withoutImage refuses an image function that names no image and, as the
// Serverless Framework does, any.
func withoutImage(fn *lambda.Function, v Vocabulary) error {
	if fn.PackageType != lambda.Image {
		return nil
	}
	if v == Serverless {
		return &Refusal{
			Problem: problem(InProject, diag.Diagnostic{
				Code: "image", Range: at(fn.SourceOf("Code")), Summary: fmt.Sprintf("function %s is a container image, which the Serverless Framework does not run", fn.Path),
				Hint: "lambkin invoke " + fn.Path + " does",
			}),
			Message: "Local invocation of lambdas pointing AWS ECR images is not supported",
		}
	}
	if fn.Code.ImageURI != "" || fn.Image != nil && fn.Image.Build != nil {
		return nil
	}
	return &Refusal{
		Problem: problem(InProject, diag.Diagnostic{
			Code: "image-missing", Range: at(fn.Source), Summary: fmt.Sprintf("the image function %q names no image", fn.Path), Hint: "add ImageUri, or a DockerContext to its Metadata",
		}),
		Message: fmt.Sprintf("ImageUri not provided for Function: %s of PackageType: %s", fn.LogicalID, fn.PackageType),
	}
}

// checkTenant refuses an invocation without the tenant that its function needs,
// or with one that it does not know of, in Lambda's words.
func checkTenant(fn *lambda.Function, inv *lambda.Invocation) error {
	message, hint := "", ""
	switch {
	case fn.TenantIsolation && inv.TenantID == "":
		message = "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."
		hint = "name one with --tenant-id"
	case !fn.TenantIsolation && inv.TenantID != "":
		message = "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again."
	default:
		return nil
	}
	summary := strings.ToLower(message[:1]) + strings.TrimSuffix(message[1:], ".")
	return &Refusal{Problem: BadCall(hint, "%s", summary), Message: message}
}

// withKnownRuntime gives a function whose runtime is a version that AWS does
// not have the newest of its language, as the Serverless Framework runs it.
func withKnownRuntime(fn *lambda.Function, diags *diag.List) *lambda.Function {
	known := Runtimes()
	if fn.Runtime == "" || known.Lookup(fn.Runtime) != nil {
		return fn
	}
	language := strings.TrimRight(fn.Runtime, "0123456789.x")
	for _, id := range known.Identifiers() {
		if language != "" && strings.TrimRight(id, "0123456789.x") == language {
			out := *fn
			out.Runtime = id
			diags.Warnf(at(fn.SourceOf("Runtime")), "runtime-unknown", "AWS has no runtime %q; the function runs as %s", fn.Runtime, id)
			return &out
		}
	}
	return fn
}

// withRuntime gives a function another runtime than its own. That the project
// names none is no error then.
func withRuntime(fn *lambda.Function, diags *diag.List, identifier string) (*lambda.Function, error) {
	if identifier == "" || fn.PackageType == lambda.Image {
		return fn, nil
	}
	known := Runtimes().Identifiers()
	i := slices.IndexFunc(known, func(id string) bool { return strings.EqualFold(id, identifier) })
	if i < 0 {
		hint := "lambkin runs " + strings.Join(known, ", ")
		if near := diag.Nearest(identifier, known); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return nil, BadCall(hint, "there is no runtime %q", identifier)
	}
	*diags = slices.DeleteFunc(slices.Clone(*diags), func(d diag.Diagnostic) bool { return d.Code == "runtime-missing" })
	out := *fn
	out.Runtime = known[i]
	return &out, nil
}

// retired are runtimes whose functions AWS neither makes nor changes any more,
// those that SAM CLI warns of.
var retired = []string{
	"nodejs4.3", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "dotnetcore2.0", "dotnetcore2.1",
	"dotnetcore3.1", "java8", "python2.7", "python3.6", "python3.7", "ruby2.5", "ruby2.7",
}

// warnRetired warns of a retired runtime.
func warnRetired(diags *diag.List, fn *lambda.Function) {
	if !slices.Contains(retired, fn.Runtime) {
		return
	}
	d := diags.Warnf(at(fn.SourceOf("Runtime")), "runtime-retired",
		"%s is no longer supported by AWS Lambda, please update to a newer supported runtime", fn.Runtime)
	d.Subject = fn.Path
}

// builtTemplate is where `sam build` puts the template that is then found first.
const builtTemplate = ".aws-sam/build/template.yaml"

// noteBuild says which template was taken when `sam build` has left one beside
// the source, and that the source has changed since.
func noteBuild(diags *diag.List, p *lambda.Project, o Options) {
	if o.File != "" || filepath.ToSlash(p.File) != builtTemplate {
		return
	}
	built, err := os.Stat(p.File)
	if err != nil {
		return // the loader has just read it
	}
	for _, name := range []string{"template.yaml", "template.yml", "template.json"} {
		source, err := os.Stat(name)
		if err != nil || source.IsDir() {
			continue
		}
		if behind := source.ModTime().Sub(built.ModTime()); behind > 0 {
			diags.Notef(diag.Range{File: p.File}, "stale-build", "this build is used, but %s has changed since, %s after it", name, behind.Round(time.Second)).
				Hint = "build again with sam build, or name the template with --template " + name
		} else if behind < 0 {
			diags.Notef(diag.Range{File: p.File}, "built-template", "this build is used, not %s", name).
				Hint = "name the template with --template " + name + " to run the code as it lies"
		}
		return
	}
}
