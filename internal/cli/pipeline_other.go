//go:build !linux

package cli

import (
	"os"
	"time"
)

// patience is how long standard input may take to show that somebody writes to
// it. It is long because the other end of a pipe cannot be found here.
const patience = 2 * time.Second

// inPipeline is not known on this system. Whoever needs longer to write an
// event says --event -.
func inPipeline(*os.File) bool { return false }
