package sls

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// functionKeys are the keys that a function may have, those of well-known plugins included.
var functionKeys = []string{
	"handler", "image", "runtime", "name", "description", "memorySize", "timeout", "environment", "events",
	"layers", "package", "architecture", "ephemeralStorageSize", "role", "tags", "vpc", "kmsKeyArn", "onError",
	"destinations", "reservedConcurrency", "provisionedConcurrency", "snapStart", "tracing", "url", "versionFunction",
	"fileSystemConfig", "maximumRetryAttempts", "maximumEventAge", "logRetentionInDays", "logDataProtectionPolicy",
	"disableLogs", "logs", "condition", "dependsOn", "awsKmsKeyArn", "runtimeManagement", "build", "recursiveLoop",
	"module", "iamRoleStatements", "iamRoleStatementsName", "iamRoleStatementsInherit", "warmup", "prune",
}

// builder makes one function of the model.
type builder struct {
	*service
	entry entry
	node  *doc.Node // the function's map
	fn    *lambda.Function
	list  diag.List
}

// setting is a value that the function or, in its place, the provider has.
type setting struct {
	node *doc.Node // resolved
	path string
	at   diag.Range // of the value as it is written
}

func newFunction(e entry) *lambda.Function {
	return &lambda.Function{
		LogicalID: e.key, ID: e.key, Path: e.key, PackageType: lambda.Zip,
		Source: place(e.at), Sources: map[string]lambda.Source{},
	}
}

// build makes the function of an entry, nil when the entry turns out to be
// null. A function with problems is as complete as they allow.
func (s *service) build(e entry) *lambda.Function {
	b := &builder{service: s, entry: e, fn: newFunction(e)}
	n, p := s.value(e.node, e.path())
	switch {
	case p != nil:
		b.report(p)
	case n.Kind == doc.Null:
		return nil
	case n.Kind != doc.Map:
		b.list.Errorf(e.node.At(), "function", "a function is a map, not %s", n.Kind)
	default:
		b.node = n
		b.fill()
	}
	for _, d := range b.list {
		d.Subject = e.key
		s.diags = append(s.diags, d)
	}
	return b.fn
}

func (b *builder) fill() {
	b.checkKeys()
	name, p := b.functionName(b.entry.key, b.node, b.entry.path())
	b.report(p)
	b.fn.Name = name
	if pair := b.node.Pair("name"); pair != nil {
		b.fn.Sources["FunctionName"] = place(pair.Value.At())
	}
	b.what()
	b.fn.Architecture = b.oneOf("architecture", "Architectures", "x86_64", "arm64")
	b.fn.MemoryMB = b.number("memorySize", "MemorySize", defaultMemory, lambda.MinMemoryMB, lambda.MaxMemoryMB)
	seconds := b.number("timeout", "Timeout", defaultTimeout, 1, int(lambda.MaxTimeout/time.Second))
	b.fn.Timeout = time.Duration(seconds) * time.Second
	b.fn.EphemeralMB = b.number("ephemeralStorageSize", "EphemeralStorage", lambda.DefaultEphemeralMB, lambda.DefaultEphemeralMB, lambda.MaxMemoryMB)
	b.fn.LogFormat = cmp.Or(b.logWord("logFormat", lambda.TextLogs, lambda.JSONLogs), lambda.TextLogs)
	b.fn.LogLevel = b.logWord("applicationLogLevel", "INFO", "TRACE", "DEBUG", "WARN", "ERROR", "FATAL")
	b.fn.SystemLogLevel = b.logWord("systemLogLevel", "INFO", "DEBUG", "WARN")
	if _, ok := b.own("reservedConcurrency"); ok {
		if n := b.number("reservedConcurrency", "ReservedConcurrentExecutions", -1, 0, 1_000_000); n >= 0 {
			b.fn.ReservedConcurrency = &n
		}
	}
	if snap, ok := b.own("snapStart"); ok && snap.node.Is(doc.Bool) {
		b.fn.SnapStart = snap.node.Value == true
	}
	if b.fn.PackageType == lambda.Zip {
		b.fn.Code = b.code()
		b.fn.Build = b.build()
		b.fn.Layers = b.layers()
	}
	b.fn.Environment = b.variables()
	b.fn.Events = b.events()
}

// report adds a problem of the function, once.
func (b *builder) report(p *problem) {
	if p == nil {
		return
	}
	for _, d := range b.list {
		if d.Range == p.Range && d.Summary == p.Summary {
			return
		}
	}
	b.list = append(b.list, p.Diagnostic)
}

// checkKeys warns of keys that are probably misspelt.
func (b *builder) checkKeys() {
	for _, pair := range b.node.Pairs {
		if contains(functionKeys, pair.Key) {
			continue
		}
		if near := diag.Nearest(pair.Key, functionKeys); near != "" {
			b.list.Warnf(pair.KeyRange, "unknown-key", "%q is not a property of a function", pair.Key).Hint = didYouMean(near)
			continue
		}
		b.list.Notef(pair.KeyRange, "unknown-key", "%q is not a property of a function that lambkin knows", pair.Key)
	}
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// own finds a setting of the function itself.
func (b *builder) own(key string) (setting, bool) {
	return b.from(b.node, b.entry.path(), key)
}

// setting finds a setting of the function or else of the provider.
func (b *builder) setting(key string) (setting, bool) {
	if s, ok := b.own(key); ok {
		return s, true
	}
	return b.from(b.provider, "provider", key)
}

// from finds a setting in a map. One with a problem counts as found, without a node.
func (b *builder) from(n *doc.Node, path, key string) (setting, bool) {
	pair := n.Pair(key)
	if pair == nil {
		return setting{}, false
	}
	s := setting{path: join(path, key), at: pair.Value.At()}
	var p *problem
	s.node, p = b.value(pair.Value, s.path)
	b.report(p)
	return s, p != nil || s.node.Kind != doc.Null
}

// what reads the handler or the image, and the runtime.
func (b *builder) what() {
	handler, isZip := b.own("handler")
	image, isImage := b.own("image")
	switch {
	case isZip && isImage:
		b.list.Errorf(b.entry.at, "handler-and-image", "the function %q has a handler and an image", b.entry.key).Hint = "remove one of the two"
		fallthrough
	case isZip:
		b.fn.Handler = b.text(handler)
		b.fn.Sources["Handler"] = place(handler.at)
		b.runtime()
	case isImage:
		b.fn.PackageType = lambda.Image
		b.fn.Sources["Code"] = place(image.at)
		b.image(image)
	default:
		d := b.list.Errorf(b.entry.at, "handler-missing", "the function %q has no handler", b.entry.key)
		d.Hint = "add: handler: file.function"
		if near := diag.Nearest("handler", b.node.Keys()); near != "" {
			d.Hint = meantToBe(near, "handler")
		}
	}
}

func (b *builder) runtime() {
	s, ok := b.setting("runtime")
	if !ok {
		b.fn.Runtime = defaultRuntime
		// At the provider, so that it is said once for all functions.
		at := b.root.Pair("provider").KeyRange
		b.list.Notef(at, "runtime-default", "the service names no runtime; %s is taken", defaultRuntime)
		return
	}
	b.fn.Runtime = b.text(s)
	b.fn.Sources["Runtime"] = place(s.at)
}

// text is a setting that must be a text.
func (b *builder) text(s setting) string {
	switch {
	case s.node == nil: // reported
	case s.node.IsScalar():
		return scalarText(s.node)
	default:
		b.list.Errorf(s.at, "bad-value", "%q must be a text, not %s", s.path, s.node.Kind)
	}
	return ""
}

// oneOf is a setting that must be one of a few words; the first is the default.
func (b *builder) oneOf(key, property string, words ...string) string {
	s, ok := b.setting(key)
	if !ok {
		return words[0]
	}
	b.fn.Sources[property] = place(s.at)
	return b.word(s, words...)
}

func (b *builder) word(s setting, words ...string) string {
	text := b.text(s)
	if contains(words, text) {
		return text
	}
	if text != "" {
		d := b.list.Warnf(s.at, "bad-value", "%q is %q, not one of %s", s.path, text, quotedList(words))
		d.Hint = fmt.Sprintf("lambkin takes %q", words[0])
		if near := diag.Nearest(text, words); near != "" {
			d.Hint = didYouMean(near)
		}
	}
	return words[0]
}

// number is a setting that must be a whole number. As the framework does, it
// only warns of what AWS will refuse, and takes the nearest that makes sense.
func (b *builder) number(key, property string, otherwise, low, high int) int {
	s, ok := b.setting(key)
	if !ok {
		return otherwise
	}
	b.fn.Sources[property] = place(s.at)
	if s.node == nil {
		return otherwise
	}
	took, wrong := otherwise, "must be a whole number"
	if v, exact := leadingNumber(s.node); !math.IsNaN(v) {
		took = int(math.Min(math.Max(v, float64(low)), float64(high)))
		switch {
		case exact && float64(took) == v:
			return took
		case exact:
			wrong = fmt.Sprintf("must be from %d to %d", low, high)
		}
	}
	b.list.Warnf(s.at, "bad-value", "%q is %s, but %s", s.path, s.node.JSON(), wrong).Hint = fmt.Sprintf("lambkin takes %d", took)
	return took
}

var leadingDigits = regexp.MustCompile(`^[0-9]{1,9}`)

// leadingNumber is the whole number that n is, or else, not exact, the one
// that it starts with ("1536MB"); NaN when there is none.
func leadingNumber(n *doc.Node) (v float64, exact bool) {
	if !n.IsScalar() {
		return math.NaN(), false
	}
	text := strings.TrimSpace(scalarText(n))
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == math.Trunc(v) {
		return v, true
	}
	v, err := strconv.ParseFloat(leadingDigits.FindString(text), 64)
	if err != nil {
		return math.NaN(), false
	}
	return v, false
}

// logWord is a member of the function's logs or of the provider's logs.lambda,
// "" when neither has it.
func (b *builder) logWord(name string, words ...string) string {
	s, ok := b.own("logs")
	if ok {
		s, ok = b.from(s.node, s.path, name)
	}
	if !ok {
		if s, ok = b.from(b.provider, "provider", "logs"); ok {
			s, ok = b.from(s.node, s.path, "lambda")
		}
		if ok {
			s, ok = b.from(s.node, s.path, name)
		}
	}
	if !ok {
		return ""
	}
	b.fn.Sources["LoggingConfig"] = place(s.at)
	return b.word(s, words...)
}
