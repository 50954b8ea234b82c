// Package lambda is the model in the middle: projects, functions, invocations
// and their results, in AWS's own words and limits. Loaders fill it, front
// doors speak it, the engine serves it. It imports the standard library only
// and everything may import it.
package lambda

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Kind says which tool's project it is.
type Kind string

// The kinds of project that lambkin loads.
const (
	KindCloudFormation Kind = "cloudformation" // CloudFormation and SAM templates
	KindServerless     Kind = "serverless"     // Serverless Framework services
)

// Project is everything a loader found. It is not changed after loading.
type Project struct {
	Kind Kind
	// Name is the service's or stack's name, "" where it has none.
	Name string
	// Dir is the absolute folder that relative paths in File mean.
	Dir string
	// File is the template or service file, as the user would name it.
	File string
	// Region is the region the project says it is deployed to, "" where it leaves that to the caller.
	Region string
	// Stage is a Serverless service's stage, "" for other projects.
	Stage string
	// Profile names the profile of the user's AWS files that the project asks for, "" for none.
	Profile string
	// Functions are in the order of the file.
	Functions []*Function
	// Inherited holds variables that the project's own tool adds to its own
	// environment, and so to that of functions it runs locally (Serverless's
	// .env files). AWS does not have them; every other source of a variable wins.
	Inherited []Variable
}

// PackageType says how a function's code is packed.
type PackageType string

// The two package types that AWS knows.
const (
	Zip   PackageType = "Zip"
	Image PackageType = "Image"
)

// Function is one Lambda function as its project configures it.
type Function struct {
	// LogicalID is the key in the file: a CloudFormation logical id or a Serverless function key.
	LogicalID string
	// ID is LogicalID, or the id that SAM or CDK metadata gives in its place.
	ID string
	// Name is the deployed function's name, what AWS_LAMBDA_FUNCTION_NAME says on AWS.
	Name string
	// Path is "Stack/ID" for a function of a nested stack, else ID. It is unique in a project.
	Path string

	PackageType  PackageType
	Runtime      string // "nodejs22.x", "python3.13", "provided.al2023"; "" for images
	Handler      string
	Architecture string // "x86_64" or "arm64"
	Code         Code
	// Build says how the code is made of its sources, nil when it runs as it lies.
	Build  *Build
	Layers []Layer
	// Image is what the project says of an Image function's image besides its
	// name, nil when that is nothing.
	Image *ImageSettings

	MemoryMB    int           // 128 to 10240
	Timeout     time.Duration // 1 s to 900 s
	EphemeralMB int           // size of /tmp, 512 to 10240
	// Environment holds the configured variables in the order of the file; names are unique.
	Environment []Variable
	// Events are what invokes the function, where the loader was asked for them.
	Events []Event
	// LogFormat is [TextLogs] or [JSONLogs].
	LogFormat string
	// LogLevel is the application's log level and SystemLogLevel the platform's,
	// both of JSON logs and of [LogLevels]; "" for AWS's default, INFO.
	LogLevel, SystemLogLevel string
	// LogGroup is the name of the log group, "" for the one named after the function.
	LogGroup string
	// ReservedConcurrency is how many invocations may be under way at once, nil
	// for no limit of the function's own; 0 switches the function off.
	ReservedConcurrency *int
	// SnapStart is set when published versions are started from a snapshot.
	SnapStart bool
	// TenantIsolation is set when each invocation is for one tenant.
	TenantIsolation bool
	// MaxConcurrency is how many invocations an environment on a capacity
	// provider may serve at once; 0 for functions without one.
	MaxConcurrency int

	// Source is where the function stands in the user's file.
	Source Source
	// Sources say where single properties stand, by AWS's property name
	// ("Handler", "Timeout"); a property that was left to its default is absent.
	Sources map[string]Source
}

// SourceOf returns where the property stands, or where the function does when
// the file leaves the property to its default.
func (f *Function) SourceOf(property string) Source {
	if s, ok := f.Sources[property]; ok {
		return s
	}
	return f.Source
}

// Code says where a function's code is. Exactly one of Dir, Archive, Inline
// and Remote is set for a Zip function; Image functions set ImageURI or none.
type Code struct {
	Dir      string // absolute folder
	Archive  string // absolute path of a .zip or .jar
	Inline   string // source text (InlineCode, ZipFile)
	Remote   string // what the project names that is not on this machine: an S3 object, an ECR image
	ImageURI string

	// Built is the folder that holds what was made of the sources in Dir, at the
	// handler's path; "" when the code runs as it lies.
	Built string
	// SourceMaps is set when stack traces are to name the sources of Built.
	SourceMaps bool
}

// ImageSettings say what a function runs of its image, and how that is built.
type ImageSettings struct {
	// Entrypoint, Command and Dir take the place of the image's own; nil and ""
	// leave them.
	Entrypoint, Command []string
	Dir                 string
	// Build says how the image is made, nil when the project does not.
	Build *ImageBuild
}

// ImageBuild says how a container engine makes an image.
type ImageBuild struct {
	Context    string // absolute folder
	Dockerfile string // below Context, with slashes
	Tag        string // "" for none
	Target     string // stage of the Dockerfile, "" for the last
	Args       []Variable
	Source     Source
}

// Build says how Node.js code is made of sources in TypeScript, or of what the
// project gives to a bundler.
type Build struct {
	// Settings are esbuild's, as the project writes them: a JSON object, nil for none.
	Settings []byte
	// SAM is set when Settings are the BuildProperties of `sam build`. What SAM
	// has not built, it runs as it lies, unless it is TypeScript.
	SAM    bool
	Source Source
}

// The two log formats.
const (
	TextLogs = "Text"
	JSONLogs = "JSON"
)

// LogLevels are the levels of JSON logs, the most talkative first. The
// platform's own go from DEBUG to WARN.
func LogLevels() []string { return []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"} }

// Event is one source of invocations, in the words of the project.
type Event struct {
	Type string // "http", "schedule"
	// Settings are the project's, as JSON text; nil where it gives none.
	Settings []byte
	Source   Source
}

// Layer is one layer of a function. Exactly one field besides Source is set.
type Layer struct {
	Dir     string // absolute folder whose content goes to /opt
	Archive string // absolute path of a zip
	ARN     string // a published version
	Source  Source
}

// Variable is one configured environment variable.
type Variable struct {
	Name  string
	Value string
	// Unresolved is set when the project gives a value that cannot be known
	// on this machine; Value is then what the project's own tool would pass.
	Unresolved bool
	Source     Source
	// Origin says where Value comes from when it is not the one that stands at
	// Source ("shell"); "" otherwise.
	Origin string
}

// Source is a place in a user's file. Line and Column count from 1; a zero
// Line means the place is not known.
type Source struct {
	File         string
	Line, Column int
}

// String gives "file:line", or "file" when the line is not known.
func (s Source) String() string {
	if s.Line == 0 {
		return s.File
	}
	return s.File + ":" + strconv.Itoa(s.Line)
}

// Limits and defaults of the Lambda service
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const (
	DefaultTimeout     = 3 * time.Second
	MaxTimeout         = 900 * time.Second
	DefaultMemoryMB    = 128
	MinMemoryMB        = 128
	MaxMemoryMB        = 10240
	DefaultEphemeralMB = 512
	// InitTimeout is how long an on-demand environment may take until its runtime asks for work.
	InitTimeout = 10 * time.Second
	// LongInitTimeout is how long that may take at least where it is done before
	// there is an invocation; a function with a longer timeout has that.
	LongInitTimeout = 130 * time.Second
	// RestoreTimeout is how long the hooks of a function may take after the
	// restore from a snapshot.
	RestoreTimeout = 10 * time.Second
	// MaxRequestBytes is the largest event of a synchronous invocation.
	MaxRequestBytes = 6 << 20
	// MaxEventRequestBytes is the largest event of an asynchronous invocation (since October 2025).
	MaxEventRequestBytes = 1 << 20
	// MaxClientContextBytes is the largest client context, in its base64 form.
	MaxClientContextBytes = 3583
	// MaxLogTailBytes is how much of the log comes with an answer.
	MaxLogTailBytes = 4 << 10
	// MaxResponseBytes is the largest buffered result: 6 MiB and 100 bytes.
	MaxResponseBytes = 6<<20 + 100
	// MaxStreamBytes is the largest streamed result (since July 2025).
	MaxStreamBytes = 200 << 20
)

// LatestVersion is the version of a function that was never published.
const LatestVersion = "$LATEST"

// Unhandled is the one function error that AWS reports today, for exceptions,
// exits and timeouts alike.
const Unhandled = "Unhandled"

// Invocation is one request to run a function.
type Invocation struct {
	// RequestID is a version 4 UUID; the engine makes one when it is empty.
	RequestID string
	// Payload is the event, passed through byte for byte.
	Payload []byte
	// Qualifier is the version or alias the caller asked for, "" for none.
	Qualifier string
	// ClientContext is the caller's client context as JSON text, nil for none.
	ClientContext []byte
	// CognitoIdentity is the caller's identity as JSON text, nil for none.
	CognitoIdentity []byte
	// TraceID is the X-Amzn-Trace-Id header; the engine makes an unsampled one when it is empty.
	TraceID string
	// TenantID names the tenant of a function with tenant isolation.
	TenantID string
	// LogTail asks for the end of the invocation's log in [Result.LogTail]. The
	// result then comes when the log is complete, which is after the function
	// has answered.
	LogTail bool
	// Stream takes the response of a function that streams it, piece by piece
	// while the function runs; nil collects it in [Result.Payload]. It is called
	// once, with the response's Content-Type, and not at all when the function
	// answers in one piece or fails before. What it returns is written to by one
	// goroutine, and may be once more after Invoke has returned: it has to refuse
	// that.
	Stream func(contentType string) io.Writer
	// Context is JSON text that takes the place of the context object's members,
	// as `serverless invoke local --context` has it; nil for none. Only that
	// vocabulary's functions know of it.
	Context []byte
}

// Result is a function's answer.
type Result struct {
	RequestID       string
	ExecutedVersion string
	// TraceID is the X-Amzn-Trace-Id header that the function got.
	TraceID string
	// Payload is what the function returned or, with FunctionError set, the
	// error object; byte for byte what its runtime sent.
	Payload []byte
	// ContentType is the runtime's Content-Type for Payload.
	ContentType string
	// Streamed is set when the response, or its beginning, has gone to
	// [Invocation.Stream]. Payload is then nil or, with FunctionError set, the
	// error that ended it.
	Streamed bool
	// FunctionError is "" or [Unhandled].
	FunctionError string
	// LogTail is the end of the invocation's log, at most [MaxLogTailBytes], nil
	// when nobody asked for it.
	LogTail []byte
	// ErrorType is the platform's name for the failure ("Sandbox.Timedout",
	// "Runtime.ExitError") where the platform, not the function's runtime, made Payload; else "".
	ErrorType string
	// ExitStatus is how the function's process ended when ErrorType is
	// [Exited] or [OutOfMemory]; negative when a signal ended it.
	ExitStatus int
}

// Exited is the ErrorType of an invocation whose process ended before it had answered.
const Exited = "Runtime.ExitError"

// OutOfMemory is the ErrorType of one whose process was ended because the environment
// had used more memory than the function has; of Node.js, Java and .NET it is [Exited].
const OutOfMemory = "Runtime.OutOfMemory"

// TimedOut is the ErrorType of an invocation that ran into its function's timeout.
const TimedOut = "Sandbox.Timedout"

// Invoker runs functions. It is all that front doors know of the engine.
type Invoker interface {
	// Invoke runs fn once and returns when the function has answered, which
	// may be before its environment is free again. A failing function is a
	// Result with FunctionError, never an error; an error means that lambkin
	// could not run the function at all, or that ctx ended first, in which
	// case the function has been stopped. Invoke may be called from several
	// goroutines at once.
	Invoke(ctx context.Context, fn *Function, inv *Invocation) (*Result, error)
}

// ARN returns the function's ARN, with the qualifier when there is one.
func (f *Function) ARN(region, account, qualifier string) string {
	arn := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", region, account, f.Name)
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}
