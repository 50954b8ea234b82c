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
)

// question is what a variable asks one source.
type question struct {
	kind    string // "ssm.eu-west-1"
	params  []*doc.Node
	address string // "" for none

	variable string    // as it stands in the file
	n        *doc.Node // the string it stands in
	start    int       // its offset there
	path     string    // the property's path
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
		"cf":        {find: fromAWS, regional: true},
		"s3":        {find: fromAWS, regional: true},
		"ssm":       {find: fromAWS, regional: true},
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
		keys = strings.Split(q.address, ".")
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
	return answer{}, r.failed(q, "variable-address", "%q: the source sls knows stage and instanceId only", q.variable)
}

// fromStrToBool makes a boolean of its parameter.
func fromStrToBool(r *resolver, q question) (answer, *problem) {
	if len(q.params) == 0 || !q.params[0].IsScalar() {
		return answer{}, r.failed(q, "variable-param", "%q: strToBool needs a text", q.variable)
	}
	text := scalarText(q.params[0])
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1":
		return answer{node: boolNode(true, q.n.Range)}, nil
	case "false", "0":
		return answer{node: boolNode(false, q.n.Range)}, nil
	}
	p := r.failed(q, "variable-param", "%q: strToBool takes true, false, 1 and 0, not %q", q.variable, text)
	return answer{}, p
}

func boolNode(v bool, at diag.Range) *doc.Node {
	return &doc.Node{Kind: doc.Bool, Text: strconv.FormatBool(v), Value: v, Range: at}
}

// fromDeployment reads what is known of the deployment without asking AWS.
func fromDeployment(r *resolver, q question) (answer, *problem) {
	switch q.address {
	case "accountId":
		if r.opts.Account == "" {
			return fromAWS(r, q)
		}
		return answer{node: doc.NewString(r.opts.Account, q.n.Range)}, nil
	case "region", "partition":
		region, p := r.region()
		if p == nil && q.address == "partition" {
			region = partition(region)
		}
		return answer{node: doc.NewString(region, q.n.Range)}, p
	}
	return answer{}, r.failed(q, "variable-address", "%q: the source aws knows accountId, region and partition only", q.variable)
}

// fromAWS stands for the sources that ask AWS, which loading never does.
func fromAWS(r *resolver, q question) (answer, *problem) {
	p := r.failed(q, "variable-aws", "the variable %q at %q needs AWS", q.variable, q.path)
	p.Hint = "lambkin does not ask AWS for it: write the value, or take it from ${env:…} or ${param:…}"
	return answer{}, p
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
