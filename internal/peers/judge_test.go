package peers

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// trial is a call with what the peers answer.
type trial struct {
	call
	files string // the folder with the services as they came
	peers []peerAnswer
}

type peerAnswer struct {
	by string // "3.40.0"
	answer
}

// row is what is said of a case.
type row struct {
	id       string
	equal    string       // the peer that lambkin is equal to
	deviates *deviation   // or the way in which it means to differ
	unknown  error        // or why nothing can be said
	named    []*deviation // the ways in which it may mean to differ
	diff     string       // from the first peer
}

func (r *row) isEqual() bool   { return r.equal != "" }
func (r *row) isMeant() bool   { return r.deviates != nil }
func (r *row) isUnknown() bool { return r.unknown != nil }
func (r *row) differs() bool   { return !r.isEqual() && !r.isMeant() && !r.isUnknown() }

func (r *row) String() string {
	switch {
	case r.isEqual():
		return "equal to " + r.equal
	case r.isMeant():
		return "deviates: " + r.deviates.reason
	case r.isUnknown():
		return "unknown: " + r.unknown.Error()
	}
	text := "DIFFERS"
	for _, d := range r.named {
		text += ", and not in the way that is meant: " + d.reason
	}
	return text
}

// judge compares answers, all of them without what is per run.
func (c *trial) judge(got answer) row {
	r := row{id: c.ID}
	for i := range deviations {
		if slices.ContainsFunc(c.peers, func(p peerAnswer) bool { return deviations[i].names(c, p.answer) }) {
			r.named = append(r.named, &deviations[i])
		}
	}
	for _, p := range c.peers {
		if p.answer == got {
			r.equal = p.by
			return r
		}
	}
	for _, d := range r.named {
		for _, p := range c.peers {
			if d.names(c, p.answer) && d.instead(c, p.answer, got) {
				r.deviates = d
				return r
			}
		}
	}
	r.diff = fmt.Sprintf("-%s +lambkin\n%s", c.peers[0].by, cmp.Diff(c.peers[0].answer, got))
	return r
}

// report is what is said of all cases of one kind: "recorded" or "live".
type report struct {
	kind string
	rows []row
}

// print writes the table, each difference below its row unless it is pending.
func (rp *report) print(pending map[string]string) {
	for _, r := range rp.rows {
		why, isPending := pending[rp.kind+"/"+r.id]
		if isPending {
			why = " (pending: " + why + ")"
		}
		fmt.Printf("%-28s %s%s\n", r.id, &r, why)
		if r.differs() && !isPending {
			fmt.Println("    " + strings.ReplaceAll(strings.TrimSpace(r.diff), "\n", "\n    "))
		}
	}
	fmt.Printf("%d cases: %d equal, %d deviate, %d differ", len(rp.rows), rp.count((*row).isEqual), rp.count((*row).isMeant), rp.count((*row).differs))
	if n := rp.count((*row).isUnknown); n > 0 {
		fmt.Printf(", %d unknown", n)
	}
	fmt.Println()
}

func (rp *report) count(is func(*row) bool) (n int) {
	for i := range rp.rows {
		if is(&rp.rows[i]) {
			n++
		}
	}
	return n
}

// check fails the test for each case that differs and is not pending, and for
// each that is pending and does not differ.
func (rp *report) check(t *testing.T, pending map[string]string) {
	t.Helper()
	for _, r := range rp.rows {
		why, isPending := pending[rp.kind+"/"+r.id]
		switch {
		case r.differs() && !isPending:
			t.Errorf("%s: %s; the table shows how", r.id, &r)
		case (r.isEqual() || r.isMeant()) && isPending:
			t.Errorf("%s is %s: take its line out of pending.txt (%s)", r.id, &r, why)
		}
	}
}

// checkStale fails the test for each deviation that names cases of the reports
// of which none deviates.
func checkStale(t *testing.T, reports ...*report) {
	t.Helper()
	for i := range deviations {
		d := &deviations[i]
		named, real := []string{}, false
		for _, rp := range reports {
			for _, r := range rp.rows {
				if slices.Contains(r.named, d) {
					named = append(named, r.id)
					real = real || !r.isEqual()
				}
			}
		}
		if len(named) > 0 && !real {
			t.Errorf("%s: lambkin is equal in %s, so this is no deviation: take it out of the table", d.reason, strings.Join(named, ", "))
		}
	}
}

// readPending reads pending.txt: cases in which lambkin does not mean to
// differ and does. The list can only get shorter.
func readPending(t testing.TB) map[string]string {
	t.Helper()
	data, err := os.ReadFile("pending.txt")
	if err != nil {
		t.Fatal(err)
	}
	pending := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		if id, why, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			pending[id] = why
		} else if line != "" && !strings.HasPrefix(line, "#") {
			t.Fatalf("pending.txt: %q is no line of the form KIND/ID: REASON", line)
		}
	}
	return pending
}
