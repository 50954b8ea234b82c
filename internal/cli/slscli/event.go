package slscli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// eventOf makes the event of text from the command line or standard input:
// JSON as it is, anything else as a string, nothing as the empty object.
func eventOf(text []byte, raw bool) []byte {
	if len(text) == 0 {
		return []byte("{}")
	}
	if !raw && json.Valid(text) {
		return text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(string(text)) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// readPath reads the event of --path: JSON and YAML by the file's ending, any
// other file as trimmed text.
func readPath(path string) ([]byte, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if st, statErr := os.Stat(path); errors.Is(err, fs.ErrNotExist) || statErr == nil && st.IsDir() {
		return nil, fmt.Errorf("The file you provided does not exist: %s", path)
	}
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".tfstate":
		if _, diags := doc.ParseJSON(data, path); diags.HasErrors() {
			return nil, &app.Problem{Kind: app.InCall, List: diags}
		}
		return data, nil
	case ".yml", ".yaml":
		n, diags := doc.ParseYAML(data, path, doc.YAML12)
		if diags.HasErrors() {
			return nil, &app.Problem{Kind: app.InCall, List: diags}
		}
		return []byte(n.JSON()), nil
	case ".js", ".cjs", ".mjs", ".ts":
		return nil, app.BadCall("let it print JSON and pipe that: node event.js | lambkin invoke local …", "an event from a program (%s) is not something that this version of lambkin reads", filepath.Base(path))
	}
	return eventOf(bytes.TrimSpace(data), false), nil
}
