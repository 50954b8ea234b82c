// Package project finds out what kind of project a folder holds and loads it
// into the one model that the rest of lambkin knows. Each kind has a loader in
// a package below; package app lists them.
package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// Loader reads one kind of project.
type Loader interface {
	// Kind is what the loader loads.
	Kind() lambda.Kind
	// Names are the file names that the loader looks for in a folder, the
	// preferred one first. A name may have folders in it.
	Names() []string
	// Accepts reports whether the loader takes a file of this name and
	// content that the user named explicitly.
	Accepts(file string, content []byte) bool
	// Load reads the project in file. All problems are in the list, each with
	// the function it concerns as its Subject; a problem of one function
	// leaves the others in the project usable. The project is nil when there
	// is nothing to work with; the list then has an error.
	Load(ctx context.Context, file string, opts Options) (*lambda.Project, diag.List)
}

// Options is what the caller knows and the file may ask for. The zero value
// loads the file as it stands.
type Options struct {
	// Env is the environment that the file may refer to.
	Env map[string]string
	// Region and Account stand for the deployment's; "" means the loader's default.
	Region, Account string
	// Stage is the Serverless stage, "" for the file's own.
	Stage string
	// Parameters override the template's parameters (CloudFormation) or give
	// values for ${param:…} (Serverless).
	Parameters map[string]string
	// Flags are the command's options by long name, for ${opt:…}.
	Flags map[string]string
	// BadParameter is what was given as a parameter but names none, "" for
	// nothing; it spoils every parameter that is asked for.
	BadParameter string
	// Overrides are values for variables of a Serverless service, by what they
	// ask for ("ssm:/db/password"); they are looked up nowhere.
	Overrides map[string]string
	// Events asks for the functions' events, too.
	Events bool
	// AWS gives access to what only AWS knows; nil where nobody may be asked.
	AWS func(Account) Lookups
	// Node gives the path of the user's Node.js, for configuration that is a
	// program; Output takes what that prints.
	Node   func() (string, error)
	Output io.Writer
	// Only names the one function that is wanted, in any of the ways a user
	// may name it. The others need not be complete, and what only they need
	// is not looked up. "" means all.
	Only string
}

// Account says whose AWS is asked, in the project's words; empty fields leave
// it to the user's environment.
type Account struct {
	Profile, Region, Stage string
	// Env is what the project's own files add to the user's environment.
	Env map[string]string
}

// Lookups ask AWS. A region "" is the account's. What is not there is no
// error; found then is false. Answers may be remembered.
type Lookups interface {
	StackOutput(ctx context.Context, region, stack, output string) (value string, found bool, err error)
	Export(ctx context.Context, region, name string) (value string, found bool, err error)
	// StackResource gives a resource's physical id.
	StackResource(ctx context.Context, region, stack, logicalID string) (value string, found bool, err error)
	// Parameter gives a parameter of the Systems Manager; kind is String,
	// StringList or SecureString.
	Parameter(ctx context.Context, region, name string, decrypt bool) (value, kind string, found bool, err error)
	// Object gives the text of an object in S3.
	Object(ctx context.Context, region, bucket, key string) (value string, found bool, err error)
	AccountID(ctx context.Context) (string, error)
}

// LookupError is what [Lookups] fail with.
type LookupError struct {
	// NoCredentials is set when the user has none for AWS, so that nobody was asked.
	NoCredentials bool
	// Hint says what to do, "" where that is not known.
	Hint string
	Err  error
}

func (e *LookupError) Error() string { return e.Err.Error() }

func (e *LookupError) Unwrap() error { return e.Err }

// ErrNotFound says that a folder holds no project that lambkin knows.
var ErrNotFound = errors.New("no project found")

// Load loads the project in file or, when file is "", the one that the first
// of the loaders finds in dir; "" is the working folder. Errors are about
// finding and reading the file; what is wrong in it is in the list.
func Load(ctx context.Context, loaders []Loader, dir, file string, opts Options) (*lambda.Project, diag.List, error) {
	if file == "" {
		l, found := Find(loaders, dir)
		if l == nil {
			var names []string
			for _, l := range loaders {
				names = append(names, l.Names()...)
			}
			if dir == "" {
				dir = "this folder"
			}
			return nil, nil, fmt.Errorf("%w: there is none of %s in %s", ErrNotFound, strings.Join(names, ", "), dir)
		}
		p, diags := l.Load(ctx, found, opts)
		return p, diags, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range loaders {
		if len(loaders) == 1 || l.Accepts(file, content) {
			p, diags := l.Load(ctx, file, opts)
			return p, diags, nil
		}
	}
	_, diags := doc.Parse(content, file, doc.YAML11)
	if !diags.HasErrors() {
		d := diags.Errorf(diag.Range{File: file}, "no-project", "this is neither a CloudFormation or SAM template nor a Serverless service")
		d.Hint = "a template has Resources, a service has service, provider and functions"
	}
	return nil, diags, nil
}

// Find returns the first loader that finds a file of its kind in dir, and that
// file. The loader is nil when none does.
func Find(loaders []Loader, dir string) (Loader, string) {
	for _, l := range loaders {
		for _, name := range l.Names() {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if st, err := os.Stat(path); err == nil && !st.IsDir() {
				return l, path
			}
		}
	}
	return nil, ""
}

// functionName matches what Lambda takes for a function: its ARN, the part of
// it from the account on, or its name; each with a version or an alias.
var functionName = regexp.MustCompile(`^(?:arn:[^:]+:lambda:[^:]*:[^:]*:function:|[^:]+:function:)?([\w.-]+)(?::[\w$-]+)?$`)

// PlainName is the name in any of the forms in which Lambda's API takes a
// function: NAME:ALIAS, ACCOUNT:function:NAME and ARNs, with a version or
// without. The path of nested stacks before it stays. It reports false for
// what Lambda refuses as a name.
func PlainName(name string) (string, bool) {
	stack, last := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		stack, last = name[:i+1], name[i+1:]
	}
	m := functionName.FindStringSubmatch(last)
	if m == nil {
		return name, false
	}
	return stack + m[1], true
}

// Lookup finds the function that the user means by name: a path, an id, a
// logical id or a deployed name, in this order, in any form that [PlainName]
// knows. Several functions may answer to the same name; the first by path is
// returned, with all of them in this order.
func Lookup(p *lambda.Project, name string) (*lambda.Function, []*lambda.Function) {
	found := called(p, name)
	if plain, _ := PlainName(name); len(found) == 0 && plain != name {
		found = called(p, plain)
	}
	if len(found) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(found, func(a, b *lambda.Function) int {
		return strings.Compare(strings.ToLower(a.Path), strings.ToLower(b.Path))
	})
	return found[0], found
}

// called are the functions with exactly this name: the one with this path, else
// all with this id, logical id or deployed name.
func called(p *lambda.Project, name string) []*lambda.Function {
	var found []*lambda.Function
	for _, f := range p.Functions {
		switch name {
		case f.Path:
			return []*lambda.Function{f}
		case f.ID, f.LogicalID, f.Name:
			found = append(found, f)
		}
	}
	return found
}
