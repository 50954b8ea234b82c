package sls

import (
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// named finds a resolver of version 4: a source that the service makes itself
// below stages.STAGE.resolvers, nil when there is none of that name.
func (r *resolver) named(name string) *doc.Node {
	if r.root.Get("stages") == nil {
		return nil
	}
	stage, _ := r.stage() // a problem is reported where the stage matters
	for _, of := range []string{stage, "default"} {
		a, p := r.walk(r.root, "", "stages", of, "resolvers", name)
		if p == nil && a.node.Is(doc.Map) {
			return a.node
		}
	}
	return nil
}

// fromNamed asks a resolver of the service: ${name:ssm:/a} of one whose type is
// aws is ${ssm:/a} in the account and region that it names.
func (r *resolver) fromNamed(q question, named *doc.Node) (answer, *problem) {
	text := func(key string) string {
		a, p := r.walk(named, "resolvers."+q.kind, key)
		if p != nil || !a.node.IsScalar() {
			return ""
		}
		return scalarText(a.node)
	}
	kind, address, _ := strings.Cut(q.address, ":")
	source, ok := r.sources[kind]
	if text("type") != "aws" || !ok || !source.regional {
		return fromElsewhere(r, q)
	}
	if r.opts.AWS != nil {
		account := project.Account{Profile: text("profile"), Region: text("region"), Env: r.environment()}
		account.Stage, _ = r.stage()
		if account.Region == "" {
			account.Region, _ = r.region()
		}
		q.aws = r.opts.AWS(account)
	}
	q.kind, q.address = kind, address
	return source.find(r, q)
}
