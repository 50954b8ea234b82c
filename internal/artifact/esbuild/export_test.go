package esbuild

import (
	"maps"
	"slices"
)

// Version is what the library's version is thought to be.
const Version = version

// Settings are the names of the settings that do something, and of those that do not.
func Settings() (active, inactive []string) {
	return slices.Concat(slices.Collect(maps.Keys(options)), slices.Collect(maps.Keys(special))), idle
}
