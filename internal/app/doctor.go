package app

import (
	"context"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// Finding is one thing that the machine has or lacks.
type Finding = runtimes.Finding

// Checkup is what this machine offers for running functions.
type Checkup struct {
	Runtimes  []Finding
	Isolation []Isolation
	Cache     string // lambkin's cache folder, "" for none
}

// Doctor looks the machine over. It changes nothing but the cache.
func Doctor(ctx context.Context, env map[string]string) Checkup {
	host := Host(env)
	c := Checkup{Isolation: Isolations(ctx, env), Cache: host.Cache}
	for _, r := range Runtimes() {
		c.Runtimes = append(c.Runtimes, r.Survey(host)...)
	}
	return c
}
