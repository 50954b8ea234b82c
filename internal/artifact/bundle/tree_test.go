package bundle_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
)

func TestTreeIsTheFolderOfTheProject(t *testing.T) {
	home := t.TempDir()
	for _, dir := range []string{"repo/.git", "repo/packages/fn", "flat/fn", "dotfiles", ".git"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"repo/packages/fn/package-lock.json", "flat/yarn.lock"} {
		if err := os.WriteFile(filepath.Join(home, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for code, want := range map[string]string{
		"repo/packages/fn": "repo", // though it has a mark of its own
		"repo":             "repo",
		"flat/fn":          "flat",
		"dotfiles":         "", // not the home that is a repository
	} {
		if want != "" {
			want = filepath.Join(home, want)
		}
		if got := bundle.Tree(filepath.Join(home, code), home); got != want {
			t.Errorf("the tree of %s is %q, want %q", code, got, want)
		}
	}
}
