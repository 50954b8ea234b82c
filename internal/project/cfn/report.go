package cfn

import (
	"fmt"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// reporter collects diagnostics and says nothing twice: Globals and shared
// values would repeat a problem for every function.
type reporter struct {
	list diag.List
	seen map[reportKey]int
}

type reportKey struct {
	at      diag.Range
	code    string
	summary string
	subject string // set for errors, which must stay with their function
}

// maxDetail bounds what repetitions add to a diagnostic's detail.
const maxDetail = 400

// add appends d, or joins it to the same diagnostic of before: a warning that
// concerns a second function concerns the project.
func (r *reporter) add(d diag.Diagnostic) {
	key := reportKey{at: d.Range, code: d.Code, summary: d.Summary}
	if d.Severity == diag.Error {
		key.subject = d.Subject
	}
	i, ok := r.seen[key]
	if !ok {
		if r.seen == nil {
			r.seen = map[reportKey]int{}
		}
		r.seen[key] = len(r.list)
		r.list = append(r.list, d)
		return
	}
	first := &r.list[i]
	if first.Subject != d.Subject {
		first.Subject = ""
	}
	if !strings.Contains(first.Detail, d.Detail) && len(first.Detail) < maxDetail {
		first.Detail += "\n" + d.Detail
	}
}

func (r *reporter) errorf(at diag.Range, code, format string, args ...any) {
	r.add(diag.Diagnostic{Severity: diag.Error, Range: at, Code: code, Summary: fmt.Sprintf(format, args...)})
}
