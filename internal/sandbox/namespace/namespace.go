// Package namespace runs functions in Linux namespaces, without root, without
// an engine and without C: code at /var/task, layers merged at /opt, a /tmp of
// their own, the system's programs and libraries read-only, and nothing else of
// the machine's files and processes. The network is the host's.
//
// The program that uses it starts itself once more for each environment, as
// the environment's process 1, the holder: [Main] hands over to it.
//
//	lambkin                    holder, in namespaces of its own       processes
//	Open   ── set-up ───────▶  puts the file system together
//	Start  ── start, pipes ─▶  forks                            ─────▶ /var/task/…
//	       ◀─ exit ──────────  reaps, orphans too               ◀─────
//	Close  ── SIGKILL ──────▶  gone, and with it all that is inside
//
// The holder's threads stay where the host's files are, so that folders can be
// added later; one of them, which forks, moves to where only the environment's
// are. What it forks has no capability, can get none, and cannot look into the
// holder, which has some.
package namespace

// Sandbox is the namespace sandbox. The zero value is ready for use in a
// program that calls [Main] first.
type Sandbox struct{}

// Name implements [sandbox.Sandbox].
func (Sandbox) Name() string { return "namespace" }

// Unavailable is the error of a machine that cannot do this.
type Unavailable struct {
	Reason string // "user namespaces are switched off"
	Hint   string // what to change
	Err    error  // what failed
}

func (u *Unavailable) Error() string { return "namespaces: " + u.Reason + ": " + u.Err.Error() }

// Unwrap returns what failed.
func (u *Unavailable) Unwrap() error { return u.Err }
