package app

import (
	"encoding/binary"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/lambkin-dev/lambkin/internal/lambda"
)

// state stands for the names, sizes and times of a function's files: another
// one means that something has changed.
type state uint64

// codeEndings are those of files that are code: what a function writes beside
// them while it runs makes no difference.
var codeEndings = []string{
	".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".json", ".py", ".rb", ".jar", ".class", ".zip", ".so", ".sh",
	".yml", ".yaml", ".toml",
}

// Folders of installed packages are not looked into, since they are large and
// change with a file beside them; bytecode comes and goes.
var packageFolders = []string{"node_modules", "__pycache__", "site-packages", "vendor", "venv"}

// maxWatched is how many files are looked at.
const maxWatched = 5000

// stateOf looks at the file that describes fn, and at its code and layers.
func stateOf(fn *lambda.Function) state {
	h := fnv.New64a()
	left := maxWatched
	add := func(path string, st fs.FileInfo) {
		left--
		// A hash takes everything.
		_, _ = h.Write([]byte(path))
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(st.Size())))
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(st.ModTime().UnixNano())))
	}
	roots := []string{fn.Source.File, fn.Code.Dir, fn.Code.Archive}
	for _, l := range fn.Layers {
		roots = append(roots, l.Dir, l.Archive)
	}
	for _, root := range roots {
		st, err := os.Stat(root)
		switch {
		case err != nil: // there is none, or it has gone
		case !st.IsDir():
			add(root, st)
		default:
			_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				switch {
				case err != nil:
					return nil // what cannot be read does not count
				case left == 0:
					return fs.SkipAll
				case d.IsDir() && path != root && (d.Name()[0] == '.' || slices.Contains(packageFolders, d.Name())):
					return fs.SkipDir
				case d.IsDir() || d.Name() != "bootstrap" && !slices.Contains(codeEndings, filepath.Ext(path)):
					return nil
				}
				if st, err := d.Info(); err == nil {
					add(path, st)
				}
				return nil
			})
		}
	}
	return state(h.Sum64())
}
