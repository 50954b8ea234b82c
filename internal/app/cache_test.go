package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/testenv"
)

func TestParseSize(t *testing.T) {
	tests := []struct {
		text string
		want int64
		err  string
	}{
		{"", 0, ""},
		{"1000", 1000, ""},
		{"20GB", 20e9, ""},
		{" 1.5 gib ", 3 << 29, ""},
		{"7 B", 7, ""},
		{"500mb", 500e6, ""},
		{"0", 0, "it has to be more than nothing"},
		{"-5GB", 0, "it has to be more than nothing"},
		{"GB", 0, "that is no size"},
		{"nan", 0, "that is no size"},
		{"20 apples", 0, "that is no size"},
		{"1e30", 0, "no disk has as much"},
	}
	for _, tt := range tests {
		got, err := parseSize(tt.text)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != tt.want || text != tt.err {
			t.Errorf("%q: %d, %q; want %d, %q", tt.text, got, text, tt.want, tt.err)
		}
	}
}

func TestCleaningLeavesWhatIsInUse(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"LAMBKIN_CACHE_DIR": dir}
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	record := func(id string) string { return `{"ID": "sha256:` + id + `", "Architecture": "amd64", "Size": 1000}` }
	testenv.WriteFiles(t, dir, map[string]string{
		"images/roots/" + one + "/image.json": record(one), "images/roots/" + two + "/image.json": record(two),
		"images/names/one.json": `{"Name": "app:1", "ID": "sha256:` + one + `"}`,
		"runtime/x":             "1",
	})
	lock, err := fsx.TryLock(filepath.Join(dir, "images", "roots", one+".lock"), true)
	if err != nil {
		t.Fatal(err)
	}
	removed, err := CleanCache(env, nil, true)
	var problem *Problem
	if !errors.As(err, &problem) || problem.Kind != InCall || len(problem.List) != 1 || problem.List[0].Summary != "image app:1 is in use" {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]Removed{{"sha256:" + two, 1000}, {"runtime", 8192}}, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "images", "roots", one, "image.json")); err != nil {
		t.Error(err)
	}
	if c, err := Cache(env); err != nil || len(c.Images) != 1 || !c.Images[0].InUse {
		t.Errorf("%+v, %v", c, err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if removed, err = CleanCache(env, []string{"app:1"}, false); err != nil || len(removed) != 1 {
		t.Errorf("%v, %v", removed, err)
	}
}
