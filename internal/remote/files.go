package remote

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// files are the shared files of AWS's tools; "" where there is no home folder.
type files struct{ config, credentials string }

func filesOf(env map[string]string) files {
	f := files{env["AWS_CONFIG_FILE"], env["AWS_SHARED_CREDENTIALS_FILE"]}
	home := cmp.Or(env["HOME"], env["USERPROFILE"])
	if home == "" {
		return f
	}
	f.config = inHome(cmp.Or(f.config, filepath.Join(home, ".aws", "config")), home)
	f.credentials = inHome(cmp.Or(f.credentials, filepath.Join(home, ".aws", "credentials")), home)
	return f
}

// inHome follows a tilde, which a shell leaves in the value of a variable.
func inHome(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest)
	}
	return path
}

// list names the files that have a name.
func (f files) list() []string {
	return slices.DeleteFunc([]string{f.config, f.credentials}, func(name string) bool { return name == "" })
}

// there reports whether one of the files is there.
func (f files) there() bool {
	return slices.ContainsFunc(f.list(), func(name string) bool {
		st, err := os.Stat(name)
		return err == nil && !st.IsDir()
	})
}

var section = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^[ \t]*\[[ \t]*(profile[ \t]+)?["']?([^\]"'\r\n]+?)["']?[ \t]*\]`)
})

// profiles are the names of the profiles in the files, sorted. A section of
// the configuration file that is not called "profile NAME" is something else.
func (f files) profiles() []string {
	var names []string
	for _, name := range f.list() {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // it has no profiles to offer
		}
		for _, m := range section().FindAllSubmatch(data, -1) {
			if profile := string(m[2]); name == f.credentials || len(m[1]) > 0 || profile == "default" {
				names = append(names, profile)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
