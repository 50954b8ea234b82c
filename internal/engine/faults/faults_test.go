package faults

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestFaults runs the table. LAMBKIN_FAULTS says how often each row runs, and
// has the table printed.
func TestFaults(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of the table need a Unix")
	}
	n := times(t)
	var lines []string
	for _, f := range table() {
		t.Run(f.way, func(t *testing.T) {
			if f.linux && runtime.GOOS != "linux" {
				t.Skip("only Linux lets lambkin find what has left a process group")
			}
			if testing.Short() && strings.Contains(f.way, "takes too long") {
				t.Skip("takes the ten seconds that an initialisation may take")
			}
			testenv.Python(t)
			if strings.HasPrefix(f.runtime, "nodejs") {
				testenv.Node(t)
			}
			worst := repeat(t, &f, n)
			lines = append(lines, line(&f, n, worst))
		})
	}
	if os.Getenv("LAMBKIN_FAULTS") != "" {
		fmt.Println(strings.Join(lines, "\n"))
	}
}

// line is a row of the printed table.
func line(f *fault, n int, worst time.Duration) string {
	answer := f.err
	if f.report != "" {
		answer = f.report
	}
	out := fmt.Sprintf("%-58s %-75s %3d times  worst %6d ms", f.way, answer, n, worst.Milliseconds())
	if f.differs != "" {
		out += "\n    AWS: " + f.differs
	}
	return out
}
