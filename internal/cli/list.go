package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
)

type listOptions struct {
	streams *Streams
	project projectFlags
	output  outputForm
}

func newListCmd(s *Streams) *cobra.Command {
	o := &listOptions{streams: s}
	cmd := &cobra.Command{
		Use:     "list",
		GroupID: "look",
		Short:   "List the functions of the project",
		Long: `List the functions of the project found here: name, runtime, handler, code and
the place in the project's file.

What is wrong with a function is said on standard error; the function is listed
all the same, and the exit status is 0. It is 3 when there is no project, or
none that can be read.`,
		Example: `  lambkin list
  lambkin list --template template.yaml --output json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return app.BadCall("run it in the project's folder, or use --template", "list takes no arguments, not %q", args[0])
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context())
		},
	}
	o.project.add(cmd.Flags())
	o.output.add(cmd, "`form`: text or json")
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	options, err := o.project.options(o.streams)
	if err != nil {
		return err
	}
	options.Events = o.output.json
	p, diags, err := app.Load(ctx, options)
	if err != nil {
		return err
	}
	o.streams.Diags(diags)
	if o.output.json {
		return listJSON(o.streams.Out, p, diags)
	}
	return listText(o.streams.Out, p)
}

func listText(w io.Writer, p *lambda.Project) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FUNCTION\tRUNTIME\tHANDLER\tCODE\tSOURCE")
	for _, f := range p.Functions {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Path, orDash(f.Runtime), orDash(f.Handler), orDash(codeText(p, f)), f.Source)
	}
	return t.Flush()
}

// codeText names a function's code, relative to the project's folder where it
// lies in it.
func codeText(p *lambda.Project, f *lambda.Function) string {
	path := f.Code.Dir
	switch {
	case f.Code.Inline != "":
		return "(inline)"
	case f.Code.Remote != "":
		return f.Code.Remote
	case f.PackageType == lambda.Image:
		return f.Code.ImageURI
	case f.Code.Archive != "":
		path = f.Code.Archive
	}
	if rel, err := filepath.Rel(p.Dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func listJSON(w io.Writer, p *lambda.Project, diags diag.List) error {
	type event struct {
		Type     string          `json:"type"`
		Settings json.RawMessage `json:"settings,omitempty"`
	}
	type function struct {
		Function  string   `json:"function"`
		LogicalID string   `json:"logicalId"`
		Name      string   `json:"name"`
		Runtime   string   `json:"runtime,omitempty"`
		Handler   string   `json:"handler,omitempty"`
		Package   string   `json:"packageType"`
		Code      string   `json:"code,omitempty"`
		MemoryMB  int      `json:"memorySizeMB"`
		Timeout   float64  `json:"timeoutSeconds"`
		Source    string   `json:"source"`
		Events    []event  `json:"events,omitempty"` // of Serverless services
		Problems  []string `json:"problems,omitempty"`
	}
	list := []function{}
	for _, f := range p.Functions {
		entry := function{
			f.Path, f.LogicalID, f.Name, f.Runtime, f.Handler, string(f.PackageType), codeText(p, f),
			f.MemoryMB, f.Timeout.Seconds(), f.Source.String(), nil, nil,
		}
		for _, e := range f.Events {
			entry.Events = append(entry.Events, event{e.Type, e.Settings})
		}
		for _, d := range diags {
			if d.Subject == f.Path {
				entry.Problems = append(entry.Problems, d.Severity.String()+": "+d.Error())
			}
		}
		list = append(list, entry)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(list)
}
