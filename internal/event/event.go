// Package event makes sample events: what the services of AWS hand to a
// function, with values that the caller chooses. The events are templates in
// folders named for their services; table.go and table_data.go list them and
// their options.
// Package cli puts them on the command line.
package event

import (
	"cmp"
	"embed"
	"fmt"
	"slices"
)

//go:embed templates
var templates embed.FS

// Service is a source of events. Its name is a word of the command line.
type Service struct {
	Name   string
	Title  string  // what AWS calls it
	Events []Event // in the order of their names
}

// Event is one kind of event of a service.
type Event struct {
	Service, Name string
	// About says in half a line what has happened when a function gets it.
	About   string
	Options []Option

	template string // the template's name when it is not the event's
}

// Option is a value that a caller may choose. Its name is the option's on the
// command line, without the dashes.
type Option struct {
	Name, Default, About string
}

// Form is how an event is written.
type Form int

// The forms: indented by two, with a line feed at the end.
const (
	UTF8  Form = iota
	ASCII      // what is not ASCII is escaped, as Python's json module does
)

// ValueError is a value that does not fit its option.
type ValueError struct {
	Option string
	Reason string
}

func (e *ValueError) Error() string { return fmt.Sprintf("--%s %s", e.Option, e.Reason) }

// Generate writes the event with the given values by the names of options;
// options without one have their default. A value is a text that may hold
// anything. A value that does not fit, and one for an option that the event
// does not have, is a *ValueError.
func (e *Event) Generate(values map[string]string, form Form) ([]byte, error) {
	r := renderer{values: map[string]string{}}
	for _, o := range e.Options {
		r.values[o.Name] = o.Default
	}
	for name, value := range values {
		if _, ok := r.values[name]; !ok {
			return nil, &ValueError{name, fmt.Sprintf("is no option of %s %s", e.Service, e.Name)}
		}
		r.values[name] = value
	}
	tree, err := e.tree()
	if err != nil {
		return nil, err
	}
	if tree, err = r.render(tree); err != nil {
		return nil, err
	}
	p := printer{indent: "  ", ascii: form == ASCII}
	p.value(tree, "\n")
	return append(p.out, '\n'), nil
}

func (e *Event) tree() (any, error) {
	name := e.template
	if name == "" {
		name = e.Name
	}
	data, err := templates.ReadFile("templates/" + e.Service + "/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("reading the template of %s %s: %w", e.Service, e.Name, err)
	}
	tree, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading the template of %s %s: %w", e.Service, e.Name, err)
	}
	return tree, nil
}

// Services returns all services in the order of their names. The caller owns
// the result.
func Services() []Service {
	services := table()
	for i := range services {
		s := &services[i]
		for j := range s.Events {
			s.Events[j].Service = s.Name
		}
		slices.SortFunc(s.Events, func(a, b Event) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(services, func(a, b Service) int { return cmp.Compare(a.Name, b.Name) })
	return services
}
