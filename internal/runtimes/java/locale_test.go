package java

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

// localeArchive is an archive of glibc with these locales, as far as their
// names go.
func localeArchive(t *testing.T, names ...string) string {
	t.Helper()
	const at = 64
	text := strings.Join(names, "\x00") + "\x00"
	var b bytes.Buffer
	head := make([]uint32, at/4)
	head[0], head[5], head[6] = 0xde020109, at, uint32(len(text))
	if err := binary.Write(&b, binary.NativeEndian, head); err != nil {
		t.Fatal(err)
	}
	return b.String() + text
}

func TestTextIsUTF8WhereTheLocaleOfAWSIsMissing(t *testing.T) {
	set := []string{"LC_ALL=C.UTF-8", "-Duser.country=US"}
	debian := jvm{system: "Linux", libc: "gnu"}
	tests := []struct {
		name  string
		j     jvm
		files map[string]string
		want  []string
	}{
		{"there", debian, map[string]string{"en_US.utf8/LC_CTYPE": "", "C.utf8/LC_CTYPE": ""}, nil},
		{"there, other name", debian, map[string]string{"en_US.UTF-8/LC_CTYPE": "", "C.utf8/LC_CTYPE": ""}, nil},
		{"in the archive", debian, map[string]string{"locale-archive": localeArchive(t, "de_DE", "en_US.utf8", "fr_FR"), "C.utf8/LC_CTYPE": ""}, nil},
		{"another in the archive", debian, map[string]string{"locale-archive": localeArchive(t, "en_US", "en_US.utf8x"), "C.utf8/LC_CTYPE": ""}, set},
		{"a broken archive", debian, map[string]string{"locale-archive": "en_US.utf8", "C.UTF-8/LC_CTYPE": ""}, set},
		{"a short archive", debian, map[string]string{"locale-archive": localeArchive(t, "en_US.utf8")[:66], "C.utf8/LC_CTYPE": ""}, set},
		{"only C", debian, map[string]string{"C.utf8/LC_CTYPE": ""}, set},
		{"C in the archive", debian, map[string]string{"locale-archive": localeArchive(t, "C.utf8")}, set},
		{"none", debian, nil, nil},
		{"musl", jvm{system: "Linux", libc: "musl"}, map[string]string{"C.utf8/LC_CTYPE": ""}, nil},
		{"macOS", jvm{system: "Darwin"}, map[string]string{"C.utf8/LC_CTYPE": ""}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			testenv.WriteFiles(t, dir, tt.files)
			env, options := utf8(tt.j, &lambda.Function{}, dir)
			if got := append(env, options...); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	dir := t.TempDir()
	testenv.WriteFiles(t, dir, map[string]string{"C.utf8/LC_CTYPE": ""})
	for own, want := range map[lambda.Variable][]string{
		{Name: "LANG", Value: "de_DE.UTF-8"}: nil, {Name: "LC_CTYPE", Value: "C"}: nil, {Name: "LANGUAGE", Value: "de"}: set,
		{Name: "JAVA_TOOL_OPTIONS", Value: "-Xss1m -Duser.country=DE"}: set[:1],
	} {
		env, options := utf8(debian, &lambda.Function{Environment: []lambda.Variable{own}}, dir)
		if got := append(env, options...); !slices.Equal(got, want) {
			t.Errorf("with %+v: %q, want %q", own, got, want)
		}
	}
}

func TestFilesAndVariablesAreUTF8(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the test looks for locales of Linux")
	}
	if !hasLocale(locales, "en_US.utf8", "C.utf8", "C.UTF-8") {
		t.Skip("this machine has no locale in UTF-8")
	}
	file := filepath.Join(t.TempDir(), "grüß")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, identifier := range installed(t) {
		out := run(t, setup{runtime: identifier, handler: "demo.Plain::characters", env: map[string]string{"OWN": file}}, rapitest.Event{Body: `{}`})
		if got := value(t, out); got["set"] != "UTF-8" || got["file"] != true || got["bytes"] != 2.0 || got["locale"] != "en_US" {
			t.Errorf("%s: %v", identifier, got)
		}
	}
}
