package sls

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// question is what a variable asks one source.
type question struct {
	kind    string // "ssm.eu-west-1"
	params  []*doc.Node
	address string // "" for none

	aws project.Lookups // whom to ask, nil for the service's own

	variable string    // as it stands in the file
	n        *doc.Node // the string it stands in
	start    int       // its offset there
	path     string    // the property's path
}

// asks is what the variable asks for, with its variables replaced: "ssm(raw):/a".
func (q *question) asks() string {
	var b strings.Builder
	b.WriteString(q.kind)
	if len(q.params) > 0 {
		texts := make([]string, len(q.params))
		for i, param := range q.params {
			texts[i] = scalarText(param)
		}
		fmt.Fprintf(&b, "(%s)", strings.Join(texts, ", "))
	}
	if q.address != "" {
		b.WriteString(":" + q.address)
	}
	return b.String()
}

// answer is a source's value. A nil or Null node means that it has none;
// missing then says so, and hint what may help.
type answer struct {
	node          *doc.Node
	missing, hint string
	// otherwise is taken when no later candidate has a value either.
	otherwise *doc.Node
}

// source is where values come from. A problem is final: unlike a missing value
// it does not let the variable's next candidate step in.
type source struct {
	find func(*resolver, question) (answer, *problem)
	// regional sources take a region in their name: "cf.eu-west-1".
	regional bool
}

// sources are all that lambkin knows. A new one is a function and a row.
func sources() map[string]source {
	return map[string]source{
		"self":      {find: fromSelf},
		"opt":       {find: fromOptions},
		"env":       {find: fromEnvironment},
		"file":      {find: fromFile},
		"param":     {find: fromParameters},
		"sls":       {find: fromInstance},
		"strToBool": {find: fromStrToBool},
		"aws":       {find: fromDeployment},
		"cf":        {find: fromStack, regional: true},
		"s3":        {find: fromObject, regional: true},
		"ssm":       {find: fromParameterStore, regional: true},
		"git":       {find: fromGit},
		"output":    {find: fromElsewhere},
		"state":     {find: fromElsewhere},
		"vault":     {find: fromElsewhere},
		"terraform": {find: fromElsewhere},
		"doppler":   {find: fromElsewhere},
	}
}

func (r *resolver) failed(q question, code, format string, args ...any) *problem {
	return r.fail(q.n, q.start, q.path, code, format, args...)
}

// found rescans a text that came from outside of the configuration.
func (r *resolver) found(q question, s string) (answer, *problem) {
	n, p := r.rescan(doc.NewString(s, q.n.Range), q.path)
	return answer{node: n, missing: "it leads to nothing"}, p
}

// fromSelf reads the configuration itself.
func fromSelf(r *resolver, q question) (answer, *problem) {
	var keys []string
	if q.address != "" {
		keys = keysOf(q.address)
	}
	a, p := r.walk(r.root, "", keys...)
	if p != nil {
		return a, p
	}
	if a.node == nil || a.node.Kind == doc.Null {
		// The framework fails where one of these two is not written and the
		// variable has no fallback. Many services count on the defaults.
		switch q.address {
		case "provider.stage":
			a.otherwise = doc.NewString(cmp.Or(r.chosen("stage", r.opts.Stage), defaultStage), q.n.Range)
		case "provider.region":
			a.otherwise = doc.NewString(cmp.Or(r.chosen("region", r.opts.Region), defaultRegion), q.n.Range)
		}
	}
	if q.address == "service" && a.node.Is(doc.Map) {
		return r.walk(r.root, "", "service", "name") // the object form of old services
	}
	return a, nil
}

// keysOf are the keys of an address: "a.b.0" or, as version 4 has it, "a.b[0]".
func keysOf(address string) []string {
	if strings.HasSuffix(address, "]") || strings.Contains(address, "].") {
		address = strings.NewReplacer("[", ".", "]", "").Replace(address)
	}
	return strings.Split(address, ".")
}

// fromOptions reads the command's options.
func fromOptions(r *resolver, q question) (answer, *problem) {
	value, ok := r.opts.Flags[q.address]
	switch {
	case ok:
	case q.address == "stage" && r.opts.Stage != "":
		value = r.opts.Stage
	case q.address == "region" && r.opts.Region != "":
		value = r.opts.Region
	default:
		return answer{missing: fmt.Sprintf("the option --%s is not given", q.address)}, nil
	}
	return r.found(q, value)
}

// fromEnvironment reads the environment and the .env file.
func fromEnvironment(r *resolver, q question) (answer, *problem) {
	env := r.environment()
	if value, ok := env[q.address]; ok {
		return r.found(q, value)
	}
	for _, pair := range r.plugged {
		if pair.Key == q.address {
			return r.found(q, pair.Value.Text)
		}
	}
	a := answer{missing: fmt.Sprintf("the environment has no %q", q.address)}
	if near := diag.Nearest(q.address, slices.Sorted(maps.Keys(env))); near != "" {
		a.hint = fmt.Sprintf("set %s, or did you mean %q?", q.address, near)
	} else {
		a.hint = fmt.Sprintf("set %s, or give the variable a fallback: ${env:%s, 'value'}", q.address, q.address)
	}
	return a, nil
}

// fromParameters reads --param and the params of the stage.
func fromParameters(r *resolver, q question) (answer, *problem) {
	if bad := r.opts.BadParameter; bad != "" {
		return answer{}, r.failed(q, "variable-param", `Encountered invalid "--param" CLI option value: "%s". Supported format: "--param='<key>=<val>'"`, bad)
	}
	if value, ok := r.opts.Parameters[q.address]; ok {
		return r.found(q, value)
	}
	stage, p := r.stage()
	if p != nil {
		return answer{}, p
	}
	for _, keys := range [][]string{
		{"stages", stage, "params"}, {"params", stage}, {"stages", "default", "params"}, {"params", "default"},
	} {
		a, p := r.walk(r.root, "", append(keys, q.address)...)
		if p != nil || a.node != nil && a.node.Kind != doc.Null {
			return a, p
		}
	}
	return answer{
		missing: fmt.Sprintf("the parameter %q has no value for the stage %q", q.address, stage),
		hint:    fmt.Sprintf("give it one with --param '%s=value' or below params.default", q.address),
	}, nil
}

// fromInstance reads what the framework itself knows.
func fromInstance(r *resolver, q question) (answer, *problem) {
	switch q.address {
	case "stage":
		stage, p := r.stage()
		return answer{node: doc.NewString(stage, q.n.Range)}, p
	case "instanceId":
		return answer{node: doc.NewString(strconv.FormatInt(r.now().UnixMilli(), 10), q.n.Range)}, nil
	}
	return answer{}, r.failed(q, "variable-address", "Unsupported %q address argument in variable \"sls\" source: it knows stage and instanceId", q.address)
}

// fromStrToBool makes a boolean of its parameter.
func fromStrToBool(r *resolver, q question) (answer, *problem) {
	if len(q.params) == 0 || !q.params[0].IsScalar() {
		return answer{}, r.failed(q, "variable-param", `Invalid "strToBool" input: Expected either "true", "false", "0", or "1". Received nothing`)
	}
	text := scalarText(q.params[0])
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1":
		return answer{node: boolNode(true, q.n.Range)}, nil
	case "false", "0":
		return answer{node: boolNode(false, q.n.Range)}, nil
	}
	return answer{}, r.failed(q, "variable-param", `Invalid "strToBool" input: Expected either "true", "false", "0", or "1". Received: %s`, text)
}

// fromElsewhere stands for the sources of version 4 that need what only its own
// commands and services have.
func fromElsewhere(r *resolver, q question) (answer, *problem) {
	p := r.failed(q, "variable-elsewhere", "lambkin does not ask the source %q", q.kind)
	p.Hint = r.overrideHint(q)
	return answer{}, p
}

// nearest is a hint at the nearest of the names.
func nearest[V any](name string, names map[string]V) string {
	all := slices.Sorted(maps.Keys(names))
	if near := diag.Nearest(name, all); near != "" {
		return didYouMean(near)
	}
	return "there are " + strings.Join(all, ", ")
}

func boolNode(v bool, at diag.Range) *doc.Node {
	return &doc.Node{Kind: doc.Bool, Text: strconv.FormatBool(v), Value: v, Range: at}
}

// fromDeployment reads what is known of the deployment without asking AWS.
func fromDeployment(r *resolver, q question) (answer, *problem) {
	switch q.address {
	case "accountId":
		return r.account(q)
	case "region", "partition":
		region, p := r.region()
		if p == nil && q.address == "partition" {
			region = partition(region)
		}
		return answer{node: doc.NewString(region, q.n.Range)}, p
	}
	return answer{}, r.failed(q, "variable-address", "Unsupported %q address argument in variable \"aws\" source: it knows accountId, region and partition", q.address)
}

// partition is the part of AWS that a region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
