package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// disable is a file of a layer that turns all extensions off, as on AWS.
const disable = "disable-extensions-jwigqn8j"

// Extensions returns the names of the external extensions in layers, in the
// order in which they are started: every file that lies directly in one's
// folder "extensions", as AWS has it, whether or not it can be executed. off
// says that a layer turns off extensions altogether, internal ones too.
func Extensions(layers []string) (names []string, off bool, err error) {
	found := map[string]bool{}
	for _, layer := range layers {
		if _, err := os.Stat(filepath.Join(layer, disable)); err == nil {
			return nil, true, nil
		}
		entries, err := os.ReadDir(filepath.Join(layer, "extensions"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, false, fmt.Errorf("looking for extensions: %w", err)
		}
		for _, entry := range entries {
			// A link counts as what it leads to.
			st, err := os.Stat(filepath.Join(layer, "extensions", entry.Name()))
			if err != nil {
				return nil, false, fmt.Errorf("looking for extensions: %w", err)
			}
			found[entry.Name()] = !st.IsDir() // a later layer lies over an earlier one
		}
	}
	maps.DeleteFunc(found, func(_ string, file bool) bool { return !file })
	return slices.Sorted(maps.Keys(found)), false, nil
}
