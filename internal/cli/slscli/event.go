package slscli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// input reads what is handed to a function: its event and its context.
type input struct {
	raw bool
	// evaluate gives the value that a file in JavaScript exports.
	evaluate func(ctx context.Context, path string) (*doc.Node, error)
}

// text makes the value of text from the command line or standard input: JSON
// as it is, anything else as a string, nothing as the empty one.
func (in *input) text(text []byte) []byte {
	if !in.raw && json.Valid(text) {
		return text
	}
	return jsonString(string(text))
}

// file makes the value of a file: what JSON, YAML and JavaScript hold, of any
// other file the text without the blanks around it. A value that is a text and
// holds JSON is that JSON, as in the framework.
func (in *input) file(ctx context.Context, path string) ([]byte, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && st.IsDir() {
		return nil, fmt.Errorf("The file you provided does not exist: %s", path)
	}
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts":
		n, err := in.evaluate(ctx, path)
		if err != nil {
			return nil, err
		}
		return in.value(n), nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	switch ext {
	case ".json", ".tfstate":
		if text := bytes.TrimSpace(data); json.Valid(data) && text[0] != '"' {
			return data, nil
		}
		n, diags := doc.ParseJSON(data, path)
		if diags.HasErrors() {
			return nil, unparsed(path, data, diags)
		}
		return in.value(n), nil
	case ".yml", ".yaml":
		n, diags := doc.ParseYAML(data, path, doc.YAML12)
		if diags.HasErrors() {
			return nil, unparsed(path, data, diags)
		}
		return in.value(n), nil
	}
	return in.text(bytes.TrimSpace(data)), nil
}

func (in *input) value(n *doc.Node) []byte {
	switch {
	case n == nil:
		return jsonString("")
	case n.Is(doc.String):
		return in.text([]byte(n.Text))
	}
	return []byte(n.JSON())
}

// unparsed is the error of a file that is not what its name says.
func unparsed(path string, data []byte, diags diag.List) error {
	d := diags[0]
	what := d.Summary
	if strings.HasSuffix(path, ".json") && len(bytes.TrimSpace(data)) == 0 {
		what = "Unexpected end of JSON input"
	}
	return &app.Refusal{
		Problem: &app.Problem{Kind: app.InCall, List: diags},
		Message: fmt.Sprintf("Parsing of \"%s\" failed with: %s", path, what),
	}
}

func jsonString(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// eventFor is the event as a function's language gets it from the framework:
// all but Node.js get {} for what counts as nothing.
func eventFor(fn *lambda.Function, event []byte) []byte {
	if !isNode(fn) && falsy(event) {
		return []byte("{}")
	}
	return event
}

func isNode(fn *lambda.Function) bool { return strings.HasPrefix(fn.Runtime, "nodejs") }

// falsy reports whether a JSON value counts as false in JavaScript.
func falsy(value []byte) bool {
	text := string(bytes.TrimSpace(value))
	switch text {
	case "null", "false", `""`, "":
		return true
	}
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && f == 0
}

// contextHeader is a context as it travels to the function: on one line and in
// ASCII; nil for one that counts as nothing.
func contextHeader(value []byte) []byte {
	if falsy(value) {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		return nil // it is JSON: it was read as such
	}
	return ascii(b.Bytes())
}
