package sls

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/project"
)

// lookups gives access to AWS with the service's own profile, stage and region.
// It is nil where AWS may not be asked.
func (r *resolver) lookups() project.Lookups {
	if r.aws == nil && r.opts.AWS != nil {
		account := project.Account{Profile: r.profile(), Env: r.environment()}
		// What is wrong with these is told of the service itself.
		account.Stage, _ = r.stage()
		account.Region, _ = r.region()
		r.aws = r.opts.AWS(account)
	}
	return r.aws
}

// profile is provider.profile, "" when there is none or it cannot be had.
func (r *resolver) profile() string {
	a, p := r.walk(r.root, "", "provider", "profile")
	if p != nil || !a.node.Is(doc.String) {
		return ""
	}
	return a.node.Text
}

// fromStack reads the output of a stack: cf(region):stack.output.
func fromStack(r *resolver, q question) (answer, *problem) {
	stack, output, ok := strings.Cut(q.address, ".")
	if !ok || stack == "" || output == "" {
		return answer{}, r.failed(q, "variable-address", `Unsupported %q address argument in variable "cf" source. Expected "<stack-name>.<output-id>" format`, q.address)
	}
	return r.fromAWS(q, fmt.Sprintf("the stack %q has no output %q", stack, output), func(aws project.Lookups) (*doc.Node, error) {
		value, found, err := aws.StackOutput(r.ctx, q.region(), stack, output)
		return textOf(value, found, q.n.Range), err
	})
}

// fromObject reads an object: s3(region):bucket/key.
func fromObject(r *resolver, q question) (answer, *problem) {
	bucket, key, ok := strings.Cut(q.address, "/")
	if !ok || bucket == "" || key == "" {
		return answer{}, r.failed(q, "variable-address", `Unsupported %q address argument in variable "s3" source. Expected "<bucket-name>/<key>" format`, q.address)
	}
	return r.fromAWS(q, fmt.Sprintf("the bucket %q has no object %q", bucket, key), func(aws project.Lookups) (*doc.Node, error) {
		value, found, err := aws.Object(r.ctx, q.region(), bucket, key)
		return textOf(value, found, q.n.Range), err
	})
}

// Words that may stand among the parameters of ssm, besides a region.
const (
	ssmRaw       = "raw"
	ssmNoDecrypt = "noDecrypt"
)

// fromParameterStore reads a parameter: ssm(region, raw, noDecrypt):name. Lists
// are split, and secrets that are JSON read as such, unless they are wanted raw.
func fromParameterStore(r *resolver, q question) (answer, *problem) {
	if q.address == "" {
		return answer{}, r.failed(q, "variable-address", `Missing address argument in variable "ssm" source`)
	}
	raw := q.has(ssmRaw)
	return r.fromAWS(q, fmt.Sprintf("there is no parameter %q", q.address), func(aws project.Lookups) (*doc.Node, error) {
		value, kind, found, err := aws.Parameter(r.ctx, q.region(), q.address, !q.has(ssmNoDecrypt))
		switch {
		case err != nil || !found:
			return nil, err
		case kind == "StringList" && !raw:
			list := &doc.Node{Kind: doc.List, Range: q.n.Range}
			for item := range strings.SplitSeq(value, ",") {
				list.Items = append(list.Items, doc.NewString(item, q.n.Range))
			}
			return list, nil
		case kind == "SecureString" && !raw && strings.HasPrefix(value, "{"):
			if n, diags := doc.ParseJSON([]byte(value), q.asks()); !diags.HasErrors() {
				return n, nil
			}
		}
		return doc.NewString(value, q.n.Range), nil
	})
}

// account is the number of the account that is deployed to.
func (r *resolver) account(q question) (answer, *problem) {
	if r.opts.Account != "" {
		return answer{node: doc.NewString(r.opts.Account, q.n.Range)}, nil
	}
	return r.fromAWS(q, "", func(aws project.Lookups) (*doc.Node, error) {
		id, err := aws.AccountID(r.ctx)
		return doc.NewString(id, q.n.Range), err
	})
}

func textOf(value string, found bool, at diag.Range) *doc.Node {
	if !found {
		return nil
	}
	return doc.NewString(value, at)
}

// region is the region that the variable names, in its parameters or in its
// source's name, "" for none.
func (q *question) region() string {
	for _, param := range q.params {
		if text := scalarText(param); text != ssmRaw && text != ssmNoDecrypt {
			return text
		}
	}
	_, region, _ := strings.Cut(q.kind, ".")
	return region
}

func (q *question) has(word string) bool {
	return slices.ContainsFunc(q.params, func(n *doc.Node) bool { return n.IsScalar() && scalarText(n) == word })
}

// fromAWS asks AWS. What it gives may hold variables again.
func (r *resolver) fromAWS(q question, missing string, ask func(project.Lookups) (*doc.Node, error)) (answer, *problem) {
	aws := q.aws
	if aws == nil {
		aws = r.lookups()
	}
	if aws == nil {
		return answer{}, r.awsFailed(q, errors.New("AWS is not asked here"))
	}
	n, err := ask(aws)
	if err != nil {
		return answer{}, r.awsFailed(q, err)
	}
	if n == nil {
		return answer{missing: missing, hint: r.overrideHint(q)}, nil
	}
	if n.Is(doc.String) {
		return r.found(q, n.Text)
	}
	return answer{node: n}, nil
}

func (r *resolver) awsFailed(q question, err error) *problem {
	p := r.failed(q, "variable-aws", "%v", err)
	p.Detail = fmt.Sprintf("The variable %s has its value at AWS.", q.variable)
	p.Hint = r.overrideHint(q)
	if failed, ok := errors.AsType[*project.LookupError](err); ok {
		if failed.NoCredentials {
			p.Summary = couldNot(q.path, noCredentials)
		} else if failed.Hint != "" {
			p.Detail += " " + sentence(failed.Hint)
		}
	}
	return p
}

// noCredentials is the framework's sentence.
const noCredentials = "AWS provider credentials not found. Learn how to set up AWS provider credentials in our docs here: <http://slss.io/aws-creds-setup>."

func (r *resolver) overrideHint(q question) string {
	return fmt.Sprintf("give it a value: --var-override '%s=…'", q.asks())
}
