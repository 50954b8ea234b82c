package samcli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/fsx"
)

// saving is one setting that --save-params writes.
type saving struct {
	section string // "global" or the command's key
	key     string
	value   any
}

// savings are the options that the command line has set, in the order of the
// options. Where the settings come from and what is done with them is no
// setting; the region is one of all commands.
func savings(command, argument string, functions []string, options []*option) []saving {
	var out []saving
	switch {
	case argument == functionKey && len(functions) > 0:
		out = append(out, saving{command, argument, functions[0]})
	case len(functions) > 0:
		out = append(out, saving{command, argument, functions})
	}
	for _, o := range options {
		if o.from.kind != fromCommandLine {
			continue
		}
		switch o.name {
		case "config-file", "config-env", "save-params":
		case "region":
			out = append(out, saving{"global", "region", o.value.saved()})
		default:
			out = append(out, saving{command, o.keys()[0], o.value.saved()})
		}
	}
	return out
}

// save writes settings to the environment of a configuration file, which is
// made if need be and otherwise keeps all that is in it.
func save(path, env string, settings []saving) error {
	if filepath.Ext(path) != ".toml" {
		return fmt.Errorf("--save-params writes samconfig.toml, and cannot change %s", path)
	}
	src, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the config file: %w", err)
	}
	mode := fs.FileMode(0o644)
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
	}
	if len(strings.TrimSpace(string(src))) == 0 {
		src = []byte("version = 0.1\n")
	}
	for _, s := range settings {
		table := []string{env, s.section, "parameters"}
		if src, err = doc.SetTOML(src, table, s.key, s.value); err != nil {
			return fmt.Errorf("saving %s to [%s] of %s: %w", s.key, strings.Join(table, "."), path, err)
		}
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	return fsx.WriteFile(path, src, mode)
}

// savedText says what was saved, as SAM CLI does.
func savedText(path, env string, settings []saving) string {
	parts := make([]string, len(settings))
	for i, s := range settings {
		parts[i] = fmt.Sprintf("%s = %v", s.key, s.value)
	}
	return fmt.Sprintf("Saved parameters to config file '%s' under environment '%s': %s", filepath.Base(path), env, strings.Join(parts, ", "))
}
