// Package namespace runs functions in Linux namespaces, without root, without
// an engine and without C: code at /var/task, layers merged at /opt, a /tmp of
// their own, the system's programs and libraries read-only, and nothing else of
// the machine's files and processes. The network is the host's, or none. In the
// place of the host's programs an unpacked container image can be the file system.
//
// The program that uses it starts itself once more for each environment, as
// the environment's process 1, the holder. This package takes that over by itself.
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

// Sandbox is the namespace sandbox. The zero value is ready for use.
type Sandbox struct {
	// Alone gives each environment a network of its own, with nothing in it but
	// a loopback interface.
	Alone bool
	// Hosts are further names for processes inside, as lines of /etc/hosts.
	Hosts []string
	// CPU holds invocations, but not initialisations, to the share of a processor
	// that AWS gives for the function's memory, where there are control groups
	// for it. See [sandbox.Throttled].
	CPU bool
}

// Name implements [sandbox.Sandbox].
func (Sandbox) Name() string { return "namespace" }
