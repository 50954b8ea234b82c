//go:build unix && !linux

package process

import (
	"sync"
	"syscall"
)

// rssUnit is the unit of rusage.ru_maxrss, which is bytes on Darwin.
const rssUnit = 1

var leaders struct {
	sync.RWMutex
	pids sync.Map
}

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// adoptOrphans does nothing: only Linux lets a process adopt its descendants.
func adoptOrphans() {}

// sweep has nothing to do beyond the group: what left it cannot be found here.
func (g group) sweep(string) {}

// peakMemory is not known of a living process here; Exit tells it.
func peakMemory(int) int64 { return 0 }
