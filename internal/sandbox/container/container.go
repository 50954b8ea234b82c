// Package container runs functions in containers, through the HTTP interface
// of Docker's and of the engines that speak the same. Nothing is published,
// nothing is mounted but the function's own files, and no other program is run.
//
// Process 1 of a container is the agent: lambkin's own program, which is put
// into the container and starts there in [Main]. It is spoken with over its
// standard streams, which the engine brings, wherever it is.
//
//	lambkin                       engine            agent, in the container   processes
//	Open   ── create, attach, start ─▶ ──────────▶
//	Start  ── start, in a stream of its own ─────▶  forks               ─────▶ /var/task/…
//	       ◀─ output, exit ───────────────────────  reaps, orphans too  ◀─────
//	Listen ◀─ connections, a stream each ─────────  a port of 127.0.0.1 ◀─────
//	Close  ── end ───────────────────────────────▶  ends all, itself last
//	       ── remove ────────────────▶
//
// When lambkin goes, whatever the way, the agent's input ends and with it all
// that is in the container, which the engine then removes. What had not been
// started by then is found by its label and removed when the next environment
// is opened.
package container

// Sandbox is the container sandbox, for a program that calls [Main] first.
type Sandbox struct {
	Engine  *Engine
	Options Options
}

// Name implements [sandbox.Sandbox].
func (Sandbox) Name() string { return "container" }

// Options are what a user may say of containers.
type Options struct {
	// Binary is a static program for Linux and the engine's architecture that
	// calls [Main] first; "" for the one that the environment variable
	// [BinaryVariable] named to [Find], or else this program.
	Binary string
	// Network is the name or id of a network of the engine's, "none", "host",
	// or "" for the engine's default.
	Network string
	// Hosts are names that processes are to know, NAME:IP each.
	Hosts []string
	// DNS are the addresses of name servers, none for the engine's.
	DNS []string
	// NoMemoryLimit leaves out the limit of [sandbox.Spec].
	NoMemoryLimit bool
	// Volumes says that an engine on another machine has the folder Host, and
	// what is below it, at Engine: code and layers there are mounted and not copied.
	Volumes Volumes
	// Args are options of `docker run`, each a text such as "-p 9229:9229".
	// Those that lambkin has no use for are errors of Open, and of Check.
	Args []string
}

// Volumes are one folder by its names here and where the engine is. The zero
// value is none.
type Volumes struct{ Host, Engine string }

// Check says what is wrong with the options.
func (o Options) Check() error {
	_, err := o.settings()
	return err
}
