package cfn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// builder makes the function of one resource.
type builder struct {
	*stack
	r     *resource
	fn    *lambda.Function
	props *doc.Node
}

// addFunction adds the function of a resource to the project: whole when it
// may be the one that is wanted, else its names only.
func (s *stack) addFunction(r *resource) {
	fn := &lambda.Function{
		LogicalID: r.id, ID: resourceID(r), Name: r.id, PackageType: lambda.Zip, Source: sourceOf(r.at),
	}
	fn.Path = s.uniquePath(fn)
	b := &builder{stack: s, r: r, fn: fn, props: s.properties(r)}
	s.loading.project.Functions = append(s.loading.project.Functions, fn)
	if b.isWanted() {
		b.build()
	}
}

// uniquePath is the function's path in the project, which falls back to the
// logical id where metadata gives two functions the same id.
func (s *stack) uniquePath(fn *lambda.Function) string {
	taken := s.loading.taken
	path := s.subject(fn.ID)
	if taken[path] {
		path = s.subject(fn.LogicalID)
	}
	for i := 2; taken[path]; i++ {
		path = s.subject(fn.LogicalID) + "-" + strconv.Itoa(i)
	}
	taken[path] = true
	return path
}

// isWanted reports whether the user may mean this function, and finds its
// name on the way.
func (b *builder) isWanted() bool {
	only := b.loading.only
	named := only == "" || slices.Contains([]string{b.fn.Path, b.fn.ID, b.fn.LogicalID}, only)
	v := b.eval(b.props.Get("FunctionName"))
	if text, ok := v.text(); ok && text != "" {
		b.fn.Name = text
		named = named || text == only
	}
	if named {
		b.unresolved("FunctionName", v)
	}
	return named
}

func (b *builder) build() {
	b.checkProperties()
	b.sources()
	b.fn.PackageType = b.packageType()
	b.fn.Runtime = b.text("Runtime")
	b.fn.Handler = b.text("Handler")
	b.fn.Architecture = b.architecture()
	b.fn.Timeout = time.Duration(b.number("Timeout", b.props.Pair("Timeout"), limits{
		int(lambda.DefaultTimeout / time.Second), 1, int(lambda.MaxTimeout / time.Second), "seconds",
	})) * time.Second
	b.fn.MemoryMB = b.number("MemorySize", b.props.Pair("MemorySize"), limits{
		lambda.DefaultMemoryMB, lambda.MinMemoryMB, lambda.MaxMemoryMB, "MB",
	})
	b.fn.EphemeralMB = b.number("EphemeralStorage.Size", b.inner("EphemeralStorage", "Size"), limits{
		lambda.DefaultEphemeralMB, lambda.DefaultEphemeralMB, 10240, "MB",
	})
	b.fn.MaxConcurrency = b.maxConcurrency()
	b.fn.LogFormat = b.logWord("LogFormat", lambda.TextLogs, lambda.JSONLogs)
	if b.fn.LogFormat == "" {
		b.fn.LogFormat = lambda.TextLogs
		if b.fn.MaxConcurrency > 0 { // lines of several invocations would not be told apart
			b.fn.LogFormat = lambda.JSONLogs
		}
	}
	b.fn.LogLevel = b.logWord("ApplicationLogLevel", lambda.LogLevels()...)
	b.fn.SystemLogLevel = b.logWord("SystemLogLevel", "DEBUG", "INFO", "WARN")
	b.fn.LogGroup = b.innerText("LoggingConfig", "LogGroup")
	const reserved = "ReservedConcurrentExecutions"
	if n := b.number(reserved, b.props.Pair(reserved), limits{-1, 0, 1_000_000, "invocations"}); n >= 0 {
		b.fn.ReservedConcurrency = &n
	}
	b.fn.SnapStart = b.innerText("SnapStart", "ApplyOn") == "PublishedVersions"
	b.fn.TenantIsolation = b.mapOf("TenancyConfig", b.props.Get("TenancyConfig")) != nil
	b.environment()
	b.code()
	b.layers()
	b.checkZip()
	b.fn.Build = esbuildOf(b.r)
}

// esbuildOf says how `sam build` makes the function's code, where esbuild does.
func esbuildOf(r *resource) *lambda.Build {
	metadata := r.node.Get("Metadata")
	method := metadata.Pair("BuildMethod")
	if method == nil || !method.Value.Is(doc.String) || method.Value.Text != "esbuild" {
		return nil
	}
	build := &lambda.Build{SAM: true, Source: placeOf(*method)}
	if properties := metadata.Pair("BuildProperties"); properties != nil && properties.Value.Is(doc.Map) {
		build.Settings, build.Source = []byte(properties.Value.JSON()), placeOf(*properties)
	}
	return build
}

// checkProperties warns of properties that the type does not have.
func (b *builder) checkProperties() {
	own := b.r.properties()
	if own != nil && own.Kind != doc.Map && own.Kind != doc.Null {
		b.errorf(own.Range, "properties", "", "the Properties of %q must be a map, not %s", b.r.id, own.Kind)
		return
	}
	b.warnUnknown(own, functionProperties(b.r.typ), fmt.Sprintf("the function %q", b.r.id), b.fn.Path)
}

// sources notes where the properties stand.
func (b *builder) sources() {
	b.fn.Sources = make(map[string]lambda.Source, len(b.props.Pairs))
	for _, p := range b.props.Pairs {
		b.fn.Sources[p.Key] = placeOf(p)
	}
}

// placeOf is where a reader looks for an entry: at its value when that starts
// on the line of the key.
func placeOf(p doc.Pair) lambda.Source {
	if at := p.Value.At(); at.File == p.KeyRange.File && at.Start.Line == p.KeyRange.Start.Line {
		return sourceOf(at)
	}
	return sourceOf(p.KeyRange)
}

func sourceOf(r diag.Range) lambda.Source {
	return lambda.Source{File: r.File, Line: r.Start.Line, Column: r.Start.Column}
}

// inner is an entry of a property that must be a map.
func (b *builder) inner(property, key string) *doc.Pair {
	return b.mapOf(property, b.props.Get(property)).Pair(key)
}

// mapOf resolves n as far as to find the map that it is, nil when it is not
// there. The map's entries are not looked at where n itself is one.
func (b *builder) mapOf(name string, n *doc.Node) *doc.Node {
	v := known(n)
	if isIntrinsic(n) {
		v = b.eval(n)
		b.unresolved(name, value{problems: v.problems})
	}
	if v.node.Is(doc.Map) {
		return b.included(b.unrolled(v.node))
	}
	if v.node != nil && v.node.Kind != doc.Null && len(v.problems) == 0 {
		b.errorf(n.At(), "property-type", "", "%s must be a map, not %s", name, v.node.Kind)
	}
	return nil
}

// text is the value of a property that must be text, "" when it is not there.
func (b *builder) text(name string) string {
	n := b.props.Get(name)
	v := b.eval(n)
	b.unresolved(name, v)
	text, ok := v.text()
	if !ok && len(v.problems) == 0 && !v.absent && v.node.Kind != doc.Null {
		b.errorf(n.At(), "property-type", "", "%s must be text, not %s", name, v.node.Kind)
	}
	return text
}

func (b *builder) packageType() lambda.PackageType {
	text := b.text("PackageType")
	switch lambda.PackageType(text) {
	case "", lambda.Zip:
		return lambda.Zip
	case lambda.Image:
		return lambda.Image
	}
	b.errorf(b.props.Get("PackageType").At(), "property-value", "", "PackageType must be Zip or Image, not %q", text)
	return lambda.Zip
}

func (b *builder) architecture() string {
	const fallback = "x86_64"
	n := b.props.Get("Architectures")
	v := b.eval(n)
	b.unresolved("Architectures", v)
	if !v.certain() || v.node.Kind == doc.Null {
		return fallback
	}
	items := []*doc.Node{v.node}
	if v.node.Is(doc.List) {
		items = v.node.Items
	}
	if len(items) != 1 {
		b.errorf(n.At(), "property-value", "", "Architectures must have one element, not %d", len(items))
		return fallback
	}
	text, _ := known(items[0]).text()
	if text == "x86_64" || text == "arm64" {
		return text
	}
	b.errorf(n.At(), "property-value", suggestion(text, []string{"x86_64", "arm64"}),
		"the architecture must be x86_64 or arm64, not %s", shown(items[0]))
	return fallback
}

// limits are what AWS takes for a number.
type limits struct {
	fallback, least, most int
	unit                  string
}

// number is the value of a property that must be a number. Like AWS it takes
// text that is one; unlike AWS it brings a number that is out of range into it.
func (b *builder) number(name string, pair *doc.Pair, l limits) int {
	if pair == nil {
		return l.fallback
	}
	v := b.eval(pair.Value)
	if v.absent || v.node.Is(doc.Null) {
		return l.fallback
	}
	text, ok := v.text()
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if whole := ok && err == nil && f == float64(int64(f)); !whole {
		if len(v.problems) > 0 {
			b.unresolved(name, value{problems: v.problems})
		} else {
			b.errorf(pair.Value.At(), "property-type", "", "%s must be a number, not %s", name, shown(v.node))
		}
		return l.fallback
	}
	b.unresolved(name, v)
	within := min(max(int64(f), int64(l.least)), int64(l.most))
	if within != int64(f) {
		b.warnf(pair.Value.At(), "out-of-range", "", "%s is %s, but AWS takes %d to %d %s; lambkin uses %d",
			name, text, l.least, l.most, l.unit, within)
	}
	return int(within)
}

// shown is a value for a message.
func shown(n *doc.Node) string {
	if text, ok := known(n).text(); ok {
		return strconv.Quote(text)
	}
	return n.Kind.String()
}

// logWord is a member of LoggingConfig, "" when it is not given.
func (b *builder) logWord(name string, words ...string) string {
	pair := b.inner("LoggingConfig", name)
	if pair == nil {
		return ""
	}
	v := b.eval(pair.Value)
	b.unresolved("LoggingConfig."+name, v)
	text, _ := v.text()
	if slices.Contains(words, text) {
		return text
	}
	if len(v.problems) == 0 && !v.absent {
		last := len(words) - 1
		b.errorf(pair.Value.At(), "property-value", "", "LoggingConfig.%s must be %s or %s, not %s",
			name, strings.Join(words[:last], ", "), words[last], shown(v.node))
	}
	return ""
}

// maxConcurrency is how many invocations an environment of a function on a
// capacity provider may serve at once. CloudFormation's own type has the number
// in a map of its own.
func (b *builder) maxConcurrency() int {
	name := "CapacityProviderConfig"
	config := b.mapOf(name, b.props.Get(name))
	if config == nil {
		return 0
	}
	const nested = "LambdaManagedInstancesCapacityProviderConfig"
	if inner := config.Pair(nested); inner != nil {
		name += "." + nested
		config = b.mapOf(name, inner.Value)
	}
	const fallback, most = 4, 1600
	const property = "PerExecutionEnvironmentMaxConcurrency"
	return b.number(name+"."+property, config.Pair(property), limits{fallback, 1, most, "invocations"})
}

// innerText is an entry of a property that must be a map, "" when it is not there.
func (b *builder) innerText(property, key string) string {
	pair := b.inner(property, key)
	if pair == nil {
		return ""
	}
	v := b.eval(pair.Value)
	b.unresolved(property+"."+key, v)
	text, _ := v.text()
	return text
}

// checkZip says what a Zip function lacks.
func (b *builder) checkZip() {
	if b.fn.PackageType != lambda.Zip {
		return
	}
	for _, p := range []struct{ name, value, hint string }{
		{"Handler", b.fn.Handler, "add Handler: the file and the function in it, such as app.handler"},
		{"Runtime", b.fn.Runtime, "add Runtime, such as nodejs22.x or python3.13"},
	} {
		if p.value != "" {
			continue
		}
		at := b.r.at
		if pair := b.props.Pair(p.name); pair != nil {
			at = pair.KeyRange
		}
		b.errorf(at, strings.ToLower(p.name)+"-missing", p.hint, "the function %q has no %s", b.r.id, p.name)
	}
}
