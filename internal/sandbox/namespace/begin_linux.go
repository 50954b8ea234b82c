package namespace

import "os"

// holderName is the name that a holder is started under. It is no file's, so
// that nobody starts one by mistake.
const holderName = "lambkin: environment"

// init does a holder's work in a process that was started as one, and ends it.
// That is not left to main, because the packages that are initialised after this
// one, which a holder has no use for, take as long as half of its own work.
func init() {
	if len(os.Args) > 0 && os.Args[0] == holderName {
		os.Exit(hold())
	}
}
