package cfn

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/lambkin-dev/lambkin/internal/diag"
)

// errorf reports an error that makes this function unusable, and only this one.
func (b *builder) errorf(at diag.Range, code, hint, format string, args ...any) {
	b.report(diag.Error, at, code, hint, format, args)
}

// warnf reports a warning about this function.
func (b *builder) warnf(at diag.Range, code, hint, format string, args ...any) {
	b.report(diag.Warning, at, code, hint, format, args)
}

func (b *builder) report(s diag.Severity, at diag.Range, code, hint, format string, args []any) {
	b.loading.report.add(diag.Diagnostic{
		Severity: s, Code: code, Range: at, Subject: b.fn.Path,
		Summary: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// unresolved warns of what keeps a value from being known, and says what of
// the function it leaves without one.
func (b *builder) unresolved(what string, v value) { b.unresolvedHint(what, "", v) }

// unresolvedHint is unresolved with a hint for problems that have none.
func (b *builder) unresolvedHint(what, hint string, v value) {
	if len(v.problems) == 0 {
		return
	}
	detail := what + " is left without a value."
	if text, ok := v.text(); ok && text != "" {
		detail = what + " is taken to be " + strconv.Quote(text) + "."
	}
	for _, p := range v.problems {
		b.loading.report.add(diag.Diagnostic{
			Severity: diag.Warning, Code: p.code, Range: p.at, Subject: b.fn.Path,
			Summary: p.summary, Detail: detail, Hint: cmp.Or(p.hint, hint),
		})
	}
}
