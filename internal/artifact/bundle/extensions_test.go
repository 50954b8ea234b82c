package bundle_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/artifact/bundle"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestExtensions(t *testing.T) {
	one, two, three, off := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	testenv.WriteFiles(t, one, map[string]string{"extensions/zeta": "", "extensions/alpha": "", "extensions/folder/inner": "", "python/x.py": ""})
	testenv.WriteFiles(t, two, map[string]string{"extensions/mu": "", "extensions/alpha": "other", "extensions/zeta/now-a-folder": ""})
	testenv.WriteFiles(t, off, map[string]string{"disable-extensions-jwigqn8j": ""})
	tests := []struct {
		name   string
		layers []string
		want   []string
		off    bool
	}{
		{"no layers", nil, nil, false},
		{"a layer without", []string{three}, nil, false},
		{"files only, in order", []string{one}, []string{"alpha", "zeta"}, false},
		{"a later layer lies over an earlier one", []string{one, three, two}, []string{"alpha", "mu"}, false},
		{"turned off", []string{one, off}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, off, err := bundle.Extensions(tt.layers)
			if diff := cmp.Diff(tt.want, got); diff != "" || off != tt.off || err != nil {
				t.Errorf("off %v, error %v (-want +got):\n%s", off, err, diff)
			}
		})
	}
}

func TestAnExtensionsFolderThatIsNoneIsAnError(t *testing.T) {
	layer := t.TempDir()
	if err := os.WriteFile(filepath.Join(layer, "extensions"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := bundle.Extensions([]string{layer}); err == nil {
		t.Error("no error")
	}
}
