package sls

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// gitFacts are what ${git:…} knows, each with the question to git that answers it.
var gitFacts = map[string][]string{
	"branch":         {"rev-parse", "--abbrev-ref", "HEAD"},
	"commit":         {"rev-parse", "HEAD"},
	"describe":       {"describe", "--always"},
	"describeLight":  {"describe", "--always", "--tags"},
	"email":          {"config", "user.email"},
	"isDirty":        {"status", "--porcelain", "--untracked-files=no"},
	"message":        {"log", "-1", "--pretty=%B"},
	"messageBody":    {"log", "-1", "--pretty=%b"},
	"messageSubject": {"log", "-1", "--pretty=%s"},
	"repository":     {"rev-parse", "--show-toplevel"},
	"sha1":           {"rev-parse", "--short", "HEAD"},
	"tags":           {"tag", "--points-at", "HEAD"},
	"user":           {"config", "user.name"},
}

// fromGit reads the service's git repository, as version 4 of the framework does.
func fromGit(r *resolver, q question) (answer, *problem) {
	args, ok := gitFacts[q.address]
	if !ok {
		p := r.failed(q, "variable-address", "Unsupported %q address argument in variable \"git\" source", q.address)
		p.Hint = nearest(q.address, gitFacts)
		return answer{}, p
	}
	text, err := r.git(args...)
	if err != nil {
		p := r.failed(q, "variable-git", "git does not tell: %v", err)
		p.Hint = r.overrideHint(q)
		return answer{}, p
	}
	switch q.address {
	case "isDirty":
		return answer{node: boolNode(text != "", q.n.Range)}, nil
	case "repository":
		text = filepath.Base(filepath.FromSlash(text))
	case "tags":
		if text = strings.ReplaceAll(text, "\n", "::"); text == "" {
			if text, err = r.git(gitFacts["sha1"]...); err != nil {
				return answer{}, r.failed(q, "variable-git", "git does not tell: %v", err)
			}
		}
	}
	return answer{node: doc.NewString(text, q.n.Range), missing: "git says nothing"}, nil
}

// git asks git about the service's folder.
func (r *resolver) git(args ...string) (string, error) {
	cmd := exec.CommandContext(r.ctx, "git", args...)
	cmd.Dir = r.dir
	var out, why bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &why
	if err := cmd.Run(); err != nil {
		if text, _, _ := strings.Cut(strings.TrimSpace(why.String()), "\n"); text != "" {
			return "", fmt.Errorf("%s", text)
		}
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}
