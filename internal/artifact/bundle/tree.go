package bundle

import (
	"os"
	"path/filepath"
	"slices"
)

// Marks are what the uppermost folder of a project has: repositories, before
// packages that are developed together or installed at once.
var (
	repository = []string{".git", ".hg", ".jj"}
	workspace  = []string{"pnpm-workspace.yaml", "lerna.json", "nx.json", "rush.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"}
)

// Tree returns the folder of the project that a function's code lies in, as far
// as its files say, "" when they do not. It is never home or one above it.
func Tree(code, home string) string {
	for _, marks := range [][]string{repository, workspace} {
		for dir := filepath.Clean(code); dir != filepath.Dir(dir) && dir != home; dir = filepath.Dir(dir) {
			if slices.ContainsFunc(marks, func(mark string) bool { _, err := os.Lstat(filepath.Join(dir, mark)); return err == nil }) {
				return dir
			}
		}
	}
	return ""
}
