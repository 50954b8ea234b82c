package sls

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// included is a file that ${file(…)} names, read once.
type included struct {
	node    *doc.Node // nil when the file does not exist
	problem *problem
}

// fromFile reads a file beside the service, or one element of it.
func fromFile(r *resolver, q question) (answer, *problem) {
	if len(q.params) == 0 || !q.params[0].Is(doc.String) || q.params[0].Text == "" {
		return answer{}, r.failed(q, "variable-param", `Missing path argument in variable "file" source`)
	}
	name := q.params[0].Text
	shown := filepath.Join(filepath.Dir(r.file), filepath.FromSlash(name))
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if filepath.IsAbs(name) {
		shown, path = name, name
	}
	if isScript(path) {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return answer{missing: fmt.Sprintf("the file %q does not exist", name)}, nil
		}
		return r.fromScript(q, path, shown)
	}
	file, ok := r.files[path]
	if !ok {
		file = r.include(q, path, shown)
		r.files[path] = file
	}
	if file.problem != nil {
		return answer{}, file.problem
	}
	if file.node == nil {
		return answer{missing: fmt.Sprintf("the file %q does not exist", name)}, nil
	}
	if q.address == "" {
		n, p := r.value(file.node, q.path)
		return answer{node: n, missing: fmt.Sprintf("the file %q is empty", name)}, p
	}
	return r.walk(file.node, name+":", keysOf(q.address)...)
}

// include reads a file by what its name ends in.
func (r *resolver) include(q question, path, shown string) *included {
	src, err := readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &included{}
	}
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return &included{problem: r.failed(q, "variable-file", "Cannot parse %q: %v", shown, err)}
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yml", ".yaml":
		return r.parsed(q, src, shown, doc.ParseYAML)
	case ".json", ".tfstate":
		return r.parsed(q, src, shown, func(src []byte, file string, _ doc.Dialect) (*doc.Node, diag.List) {
			return doc.ParseJSON(src, file)
		})
	}
	if !utf8.Valid(src) {
		return &included{problem: r.failed(q, "variable-file", "Cannot parse %q: it is not a UTF-8 text", shown)}
	}
	return &included{node: doc.NewString(string(src), q.n.Range)}
}

// parsed reads YAML or JSON. What is wrong in it is a problem of that file, and
// of every variable that needs it.
func (r *resolver) parsed(q question, src []byte, shown string,
	parse func([]byte, string, doc.Dialect) (*doc.Node, diag.List),
) *included {
	n, diags := parse(src, shown, doc.YAML12)
	for _, d := range diags {
		if d.Severity != diag.Error {
			r.notes = append(r.notes, d)
			continue
		}
		d.Detail = strings.TrimSpace(fmt.Sprintf("%s\nThe service reads the file in %s.", d.Detail, q.variable))
		return &included{problem: &problem{Diagnostic: d}}
	}
	return &included{node: n}
}

// readRegular reads a file that has an end: not a device, a pipe or a folder.
func readRegular(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, errors.New("it is a folder")
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	return os.ReadFile(path)
}
