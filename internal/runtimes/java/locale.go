package java

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// locales is where glibc keeps its locales.
const locales = "/usr/lib/locale"

// utf8 are variables and options that make text UTF-8 as on AWS: the default
// character set and the characters of files' names, variables and arguments
// follow the locale. AWS's is en_US.UTF-8, which many small systems do not have.
// The machine would fall back to ASCII; C.UTF-8, which they have, takes its
// place, with the country that it lacks. There are none where AWS's is there,
// where the function chooses another, and where locales are not glibc's.
func utf8(j jvm, fn *lambda.Function, dir string) (env, options []string) {
	if j.system != "Linux" || j.libc == "musl" || hasLocale(dir, "en_US.utf8", "en_US.UTF-8") || !hasLocale(dir, "C.utf8", "C.UTF-8") {
		return nil, nil
	}
	env, options = []string{"LC_ALL=C.UTF-8"}, []string{"-Duser.country=US"}
	for _, v := range fn.Environment {
		if v.Name == "LANG" || strings.HasPrefix(v.Name, "LC_") {
			return nil, nil
		}
		if strings.Contains(v.Value, "-Duser.country=") {
			options = nil // which would win over JAVA_TOOL_OPTIONS
		}
	}
	return env, options
}

// hasLocale reports whether the folder has one of the locales: in a folder of
// its own or in the archive of all.
func hasLocale(dir string, names ...string) bool {
	archived := archivedLocales(filepath.Join(dir, "locale-archive"))
	for _, name := range names {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.IsDir() {
			return true
		}
		if bytes.Contains(archived, []byte("\x00"+name+"\x00")) {
			return true
		}
	}
	return false
}

// archivedLocales is the part of glibc's archive that has the names, each
// between two zeros; nil when there is no archive. The sixth and seventh number
// of its head say where that part is and how long.
func archivedLocales(file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var head [7]uint32
	if err := binary.Read(f, binary.NativeEndian, &head); err != nil || head[0] != 0xde020109 {
		return nil
	}
	const most = 1 << 20 // bytes; there are some hundred names
	names := make([]byte, min(head[6], most))
	if _, err := f.ReadAt(names, int64(head[5])); err != nil {
		return nil
	}
	return append([]byte{0}, names...)
}
