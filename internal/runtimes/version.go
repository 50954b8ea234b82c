package runtimes

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Version is a version's numbers, as many as are known: {3, 13} or {20, 1, 0}.
type Version []int

// ParseVersion reads numbers with dots between them, at most three; it returns
// nil for anything else.
func ParseVersion(text string) Version {
	parts := strings.Split(text, ".")
	if len(parts) > 3 {
		return nil
	}
	var v Version
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || p[0] == '+' {
			return nil
		}
		v = append(v, n)
	}
	return v
}

// String puts dots between the numbers.
func (v Version) String() string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ".")
}

// Matches reports whether v is want, or a more precise version of it.
func (v Version) Matches(want Version) bool {
	return len(want) > 0 && len(v) >= len(want) && slices.Equal(v[:len(want)], want)
}

// distance says how far v is from want, by the numbers that want has. Versions
// of another major line are so far that they count only where the major number
// is all that is asked for.
func (v Version) distance(want Version) int {
	if len(v) < len(want) {
		return farAway
	}
	last := len(want) - 1
	if !slices.Equal(v[:last], want[:last]) {
		return farAway
	}
	if d := v[last] - want[last]; d < 0 {
		return -d
	}
	return v[last] - want[last]
}

// farAway is the distance between versions that do not stand in for each other.
const farAway = 1 << 20

// folderVersion finds the version in names such as "v20.1.0", "3.13.0",
// "cpython-3.13.0-linux-x86_64-gnu", "cpython@3.13.0", "ruby-3.3.0" and "3.13.0_1". Builds
// with another suffix ("3.13.0t", "+freethreaded") are not what AWS runs.
var folderVersion = regexp.MustCompile(`^(?:v|cpython[-@]|ruby-)?(\d+\.\d+\.\d+)(?:[-_][\w-]*)?$`)

// versionOfFolder returns the version that a folder is named for, nil when none.
func versionOfFolder(name string) Version {
	if m := folderVersion.FindStringSubmatch(name); m != nil {
		return ParseVersion(m[1])
	}
	return nil
}

// Compare orders versions from old to new: it is negative when v is the older one.
func (v Version) Compare(other Version) int { return slices.Compare(v, other) }
