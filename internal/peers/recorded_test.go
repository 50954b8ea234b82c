package peers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

var strict = flag.Bool("strict", false, "what is pending fails, too")

// recording is a line of a file with recorded runs.
type recording struct {
	ID     string
	Dir    string
	Args   []string
	Stdin  *string
	Env    map[string]string
	Lang   string
	RC     any // a number, or "timeout"
	Stdout string
}

// recorded are the programs whose runs are recorded, and where.
var recorded = []struct{ by, file string }{
	{"3.40.0", "cases.v340.jsonl"},
	{"osls 4", "cases.osls4.jsonl"},
}

// TestRecordedRuns replays the recorded runs of the frameworks in the folder
// that LAMBKIN_CASES names and prints what becomes of each.
func TestRecordedRuns(t *testing.T) {
	rp := replayed(t)
	if *strict {
		rp.print(nil)
		if n := rp.count((*row).differs); n > 0 {
			t.Errorf("%d cases differ", n)
		}
		return
	}
	pending := readPending(t)
	rp.print(pending)
	rp.check(t, pending)
}

var replay struct {
	sync.Once
	report
	err error
}

// replayed is the report of the recorded runs, which are replayed once.
func replayed(t testing.TB) *report {
	t.Helper()
	folder := os.Getenv("LAMBKIN_CASES")
	if folder == "" {
		t.Skip("LAMBKIN_CASES does not name a folder with fixtures and recorded runs of the frameworks")
	}
	p, path := lambkin(t), searchPath(t)
	replay.Do(func() {
		replay.kind = "recorded"
		var trials []trial
		if trials, replay.err = readRecorded(folder); replay.err != nil {
			return
		}
		replay.rows = make([]row, len(trials))
		errs := make([]error, len(trials))
		each(len(trials), func(i int) {
			replay.rows[i], errs[i] = trials[i].replay(t, p, path)
		})
		for _, err := range errs {
			if err != nil {
				replay.err = err
			}
		}
	})
	if replay.err != nil {
		t.Fatal(replay.err)
	}
	return &replay.report
}

// replay runs a case in a copy of the fixtures of its own.
func (c *trial) replay(t testing.TB, p program, path string) (row, error) {
	root, home, err := rooms(c.files)
	if err != nil {
		return row{}, err
	}
	defer os.RemoveAll(filepath.Dir(root))
	creds := "[default]\naws_access_key_id = AKDEF\naws_secret_access_key = sdef\n" +
		"[p1]\naws_access_key_id = AKP1\naws_secret_access_key = s1\naws_session_token = t1\n"
	if err := os.WriteFile(filepath.Join(root, "creds"), []byte(creds), 0o600); err != nil {
		return row{}, err
	}
	got, err := c.run(t.Context(), p, root, home, path)
	if err != nil {
		return row{}, fmt.Errorf("running %s: %w", c.ID, err)
	}
	return c.judge(c.normal(got, root)), nil
}

// rooms makes what a run needs for itself: a copy of the services in files, or
// nothing in an empty folder, and a home. Both lie in one folder, which the
// caller removes.
func rooms(files string) (root, home string, err error) {
	dir, err := os.MkdirTemp(binaries, "run")
	if err != nil {
		return "", "", err
	}
	root, home = filepath.Join(dir, "root"), filepath.Join(dir, "home")
	if err := errors.Join(os.Mkdir(root, 0o755), os.Mkdir(home, 0o755)); err != nil || files == "" {
		return root, home, err
	}
	return root, home, os.CopyFS(root, os.DirFS(files))
}

func readRecorded(folder string) ([]trial, error) {
	var trials []trial
	at := map[string]int{}
	for _, r := range recorded {
		data, err := os.ReadFile(filepath.Join(folder, r.file))
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var rec recording
			if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
				return nil, fmt.Errorf("reading %s: %w", r.file, err)
			}
			c := call{ID: rec.ID, Dir: rec.Dir, Args: rec.Args, Stdin: rec.Stdin, Env: rec.Env, Python: rec.Lang == "python"}
			if _, known := at[c.ID]; !known {
				at[c.ID] = len(trials)
				trials = append(trials, trial{call: c, files: filepath.Join(folder, "fixtures")})
			}
			a := answer{hung, rec.Stdout}
			if status, ok := rec.RC.(float64); ok {
				a.Status = int(status)
			}
			c2 := &trials[at[c.ID]]
			c2.peers = append(c2.peers, peerAnswer{r.by, c.normal(a, "")})
		}
	}
	return trials, nil
}
