package cli

import (
	"fmt"
	"strings"
	"sync"

	"github.com/lambkin-dev/lambkin/internal/app"
)

// Progress makes what shows how far things are: a person at a terminal sees one
// line that changes, a file gets one line for each thing.
func (s *Streams) Progress() func(app.Progress) {
	var mu sync.Mutex
	last := ""
	return func(p app.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if !s.ErrTTY {
			if p.What != last {
				fmt.Fprintln(s.Err, "lambkin: "+p.What)
			}
			last = p.What
			return
		}
		line, end := p.What, ""
		if p.Total > 0 {
			line += fmt.Sprintf(" %d %%", p.Done*100/p.Total)
			if p.Done >= p.Total {
				end = "\r" + strings.Repeat(" ", len(line)) + "\r"
			}
		} else if p.Done > 0 {
			line += " " + app.SizeText(p.Done)
		}
		fmt.Fprint(s.Err, "\r\x1b[K"+line+end)
	}
}
