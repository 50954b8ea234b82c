package peers

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/rogpeppe/go-internal/txtar"
)

var all = flag.Bool("all", false, "run the extra cases, too, however long the frameworks take")

// patience is how long the frameworks may take together. Answers are kept, so
// that another run goes on where one has stopped.
const patience = 5 * time.Minute

// frameworks are the programs that are run, as they lie in the folder that
// .ci/install makes.
var frameworks = []struct{ by, script string }{
	{"3.40.0", "node_modules/serverless/bin/serverless.js"},
	{"osls 4", "node_modules/osls/bin/serverless.js"},
}

// TestRealFrameworks runs the services in testdata through both frameworks and
// through lambkin, and prints what becomes of each case.
func TestRealFrameworks(t *testing.T) {
	rp, pending := compared(t), readPending(t)
	rp.print(pending)
	rp.check(t, pending)
	if n := rp.count((*row).isUnknown); n > 0 {
		t.Skipf("%d of %d cases are not compared; the table says why", n, len(rp.rows))
	}
}

// TestDeviationsAreReal fails for rows of the table of deviations by which
// nothing deviates.
func TestDeviationsAreReal(t *testing.T) {
	reports := []*report{compared(t)}
	if os.Getenv("LAMBKIN_CASES") != "" {
		reports = append(reports, replayed(t))
	}
	checkStale(t, reports...)
}

// TestPendingCasesAreThere fails for lines of pending.txt that name no case of
// testdata.
func TestPendingCasesAreThere(t *testing.T) {
	ids := map[string]bool{}
	for _, c := range readServices(t) {
		if ids[c.ID] {
			t.Errorf("there are two cases %q", c.ID)
		}
		ids[c.ID] = true
	}
	for id := range readPending(t) {
		if name, ok := strings.CutPrefix(id, "live/"); ok && !ids[name] {
			t.Errorf("pending.txt names %s, which is no case of testdata", id)
		}
	}
}

// service is a case with the files that it runs over.
type service struct {
	call
	files []txtar.File
	extra bool
}

// readServices reads testdata: a service a file, and before its files the
// cases, one a line: a name, variables of the shell, the arguments behind
// `invoke local`, and after a < the file that is standard input. A line that
// begins with a plus is an extra case, which there is time for with -all only.
func readServices(t testing.TB) []service {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no services in testdata: %v", err)
	}
	var all []service
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(archive.Comment), "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			line, extra := strings.CutPrefix(line, "+ ")
			c, err := parseCase(line, archive.Files)
			if err != nil {
				t.Fatalf("%s: %q: %v", name, line, err)
			}
			c.Python = strings.HasPrefix(filepath.Base(name), "python")
			all = append(all, service{c, archive.Files, extra})
		}
	}
	return all
}

func parseCase(line string, files []txtar.File) (call, error) {
	id, rest, ok := strings.Cut(line, ": ")
	if !ok {
		return call{}, errors.New("no name with a colon at the beginning")
	}
	c := call{ID: id, Args: []string{"invoke", "local"}, Env: map[string]string{}}
	words, err := split(rest)
	if err != nil {
		return call{}, err
	}
	for i := 0; i < len(words); i++ {
		name, value, assigns := strings.Cut(words[i], "=")
		switch {
		case words[i] == "<" && i+2 == len(words):
			for _, f := range files {
				if f.Name == words[i+1] {
					text := string(f.Data)
					c.Stdin = &text
				}
			}
			if c.Stdin == nil {
				return call{}, fmt.Errorf("there is no file %q", words[i+1])
			}
			return c, nil
		case assigns && len(c.Args) == 2 && !strings.HasPrefix(name, "-"):
			c.Env[name] = value
		default:
			c.Args = append(c.Args, words[i])
		}
	}
	return c, nil
}

// split makes words of a line as a shell does that knows single quotes only.
func split(line string) (words []string, err error) {
	var word strings.Builder
	started, quoted := false, false
	for _, c := range line {
		switch {
		case c == '\'':
			started, quoted = true, !quoted
		case c == ' ' && !quoted:
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			started = true
			word.WriteRune(c)
		}
	}
	if quoted {
		return nil, errors.New("a quote is open")
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

var comparison struct {
	sync.Once
	report
	err error
}

// compared is the report of the cases in testdata, which are run once.
func compared(t testing.TB) *report {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: a run of a framework takes seconds")
	}
	l := &live{until: time.Now().Add(patience), lambkin: lambkin(t), path: searchPath(t), node: testenv.Node(t)}
	l.dir = installed(t)
	services := slices.DeleteFunc(readServices(t), func(s service) bool { return s.extra && !*all })
	comparison.Do(func() {
		comparison.kind = "live"
		comparison.rows, comparison.err = l.compare(t.Context(), services)
	})
	if comparison.err != nil {
		t.Fatal(comparison.err)
	}
	return &comparison.report
}

// installed is the folder that .ci/install frameworks makes. Its name says for
// which lock file: see there.
func installed(t testing.TB) string {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join("frameworks", "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, ".cache")
	}
	dir := filepath.Join(cache, "lambkin-dev", "frameworks-"+digest(lock)[:12])
	for _, f := range frameworks {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.script))); err != nil {
			testenv.Skip(t, "frameworks", "the test compares lambkin with serverless and osls, which .ci/install frameworks gets")
		}
	}
	return dir
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// errLate is that a framework has not been asked, for there was no time.
var errLate = errors.New("the frameworks have not been asked yet: run the test again")

// live runs programs beside each other.
type live struct {
	until time.Time // when the last framework may be started

	lambkin program
	dir     string // where the frameworks are
	node    string
	path    string
	tools   string // versions of the interpreters
}

// compare runs all cases through all programs.
func (l *live) compare(ctx context.Context, services []service) ([]row, error) {
	if err := l.versions(ctx); err != nil {
		return nil, err
	}
	trials, late, err := l.askAll(ctx, services)
	if err != nil {
		return nil, err
	}
	rows, errs := make([]row, len(services)), make([]error, len(services))
	each(len(services), func(i int) {
		if late[i] != nil && len(trials[i].peers) == 0 {
			rows[i] = row{id: trials[i].ID, unknown: late[i]}
			return
		}
		errs[i] = services[i].in(func(root, home string) error {
			got, err := services[i].run(ctx, l.lambkin, root, home, l.path)
			trials[i].files = root
			rows[i] = trials[i].judge(services[i].normal(got, root))
			return err
		})
		if rows[i].differs() {
			rows[i].unknown = late[i]
		}
	})
	return rows, errors.Join(errs...)
}

// askAll gives the frameworks' answers, and for each case why there are fewer
// than there are frameworks.
func (l *live) askAll(ctx context.Context, services []service) (trials []trial, missing []error, err error) {
	use, lacks := []int{}, error(nil)
	for i, f := range frameworks {
		a, err := l.ask(ctx, i, service{call: call{Args: []string{"--version"}}})
		switch {
		case err != nil:
			return nil, nil, err
		case a.Status == 0:
			use = append(use, i)
		default:
			lacks = fmt.Errorf("%s does not run on this machine's %s", f.by, strings.Fields(l.tools)[0])
		}
	}
	if len(use) == 0 {
		return nil, nil, lacks
	}
	answers, errs := make([]answer, len(services)*len(use)), make([]error, len(services)*len(use))
	each(len(errs), func(i int) {
		answers[i], errs[i] = l.ask(ctx, use[i%len(use)], services[i/len(use)])
	})
	trials, missing = make([]trial, len(services)), make([]error, len(services))
	for i, err := range errs {
		c := &trials[i/len(use)]
		c.call = services[i/len(use)].call
		switch {
		case errors.Is(err, errLate):
			missing[i/len(use)] = err
		case err != nil:
			return nil, nil, err
		default:
			c.peers = append(c.peers, peerAnswer{frameworks[use[i%len(use)]].by, answers[i]})
		}
	}
	for i := range missing {
		missing[i] = cmp.Or(missing[i], lacks)
	}
	return trials, missing, nil
}

// versions asks the interpreters for theirs, which the frameworks' answers
// depend on.
func (l *live) versions(ctx context.Context) error {
	var out bytes.Buffer
	for _, name := range []string{l.node, "python3"} {
		cmd := exec.CommandContext(ctx, name, "--version")
		cmd.Env = []string{"PATH=" + l.path}
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("asking %s for its version: %w", name, err)
		}
	}
	l.tools = "Node.js-" + out.String()
	return nil
}

// in calls f with a folder that holds the service, and an empty home.
func (s *service) in(f func(root, home string) error) error {
	root, home, err := rooms("")
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(root))
	for _, file := range s.files {
		name := filepath.Join(root, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, file.Data, 0o644); err != nil {
			return err
		}
	}
	return f(root, home)
}

// ask gives a framework's answer, without what is per run. Since neither the
// framework nor the case changes, an answer is kept beside the framework.
func (l *live) ask(ctx context.Context, framework int, s service) (answer, error) {
	id := s.ID
	s.ID = ""
	question, err := json.Marshal([]any{frameworks[framework].by, l.tools, s.call, s.files})
	if err != nil {
		return answer{}, err
	}
	kept := filepath.Join(l.dir, "answers", digest(question)+".json")
	var a answer
	if data, err := os.ReadFile(kept); err == nil && json.Unmarshal(data, &a) == nil {
		return s.normal(a, ""), nil
	}
	if !*all && time.Now().After(l.until) {
		return answer{}, errLate
	}
	err = s.in(func(root, home string) error {
		script := filepath.Join(l.dir, filepath.FromSlash(frameworks[framework].script))
		a, err = s.run(ctx, program{[]string{l.node, script}, frameworkLimit}, root, home, l.path)
		a.Stdout = s.local(a.Stdout, root)
		return err
	})
	switch {
	case err != nil:
		return answer{}, err
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case a.Status == hung:
		return answer{}, fmt.Errorf("%s has not ended %s within %v", frameworks[framework].by, id, frameworkLimit)
	}
	return s.normal(a, ""), keep(kept, a)
}

func keep(file string, a answer) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), "new")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
