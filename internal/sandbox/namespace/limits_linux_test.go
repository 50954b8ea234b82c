package namespace

import (
	"bytes"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// BenchmarkLimits is the time of an environment from Open to Close, with one
// process in it, without limits and with.
func BenchmarkLimits(b *testing.B) {
	for _, bb := range []struct {
		name   string
		memory int64
	}{{"without", 0}, {"with", 128 << 20}} {
		b.Run(bb.name, func(b *testing.B) {
			spec := sandbox.Spec{Code: b.TempDir(), Runtime: b.TempDir(), Memory: bb.memory}
			for b.Loop() {
				env, err := Sandbox{}.Open(b.Context(), spec)
				if err != nil {
					b.Fatal(err)
				}
				var out bytes.Buffer
				p, err := env.Start(b.Context(), sandbox.Command{Path: "/bin/true", Dir: "/", Stdout: &out, Stderr: &out})
				if err != nil {
					b.Fatal(err)
				}
				<-p.Done()
				if err := env.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
