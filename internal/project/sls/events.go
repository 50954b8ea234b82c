package sls

import (
	"fmt"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// events are what invokes the function. They are read for those who ask for
// them only: an invocation does without, and with what they refer to.
func (b *builder) events() []lambda.Event {
	if !b.opts.Events {
		return nil
	}
	s, ok := b.own("events")
	if !ok || s.node == nil {
		return nil
	}
	if s.node.Kind != doc.List {
		b.list.Warnf(s.at, "events", "%q must be a list, not %s", s.path, s.node.Kind)
		return nil
	}
	var out []lambda.Event
	for i, item := range s.node.Items {
		n, p := b.deep(item, fmt.Sprintf("%s.%d", s.path, i))
		if p != nil {
			b.report(p)
			continue
		}
		event := lambda.Event{Source: place(item.At())}
		switch text, isText := n.Str(); {
		case isText:
			event.Type = text
		case n.Is(doc.Map) && len(n.Pairs) > 0:
			event.Type = n.Pairs[0].Key
			event.Settings = []byte(n.Pairs[0].Value.JSON())
		default:
			b.list.Warnf(item.At(), "events", "an event is the name of a source with its settings, not %s", n.Kind)
			continue
		}
		out = append(out, event)
	}
	return out
}
