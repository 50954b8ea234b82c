package samcli

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/spf13/cobra"
)

func TestCommandLineIsRewritten(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"another command", "local start-api -ii x", "local start-api -ii x"},
		{"another group", "build local invoke -ii x", "build local invoke -ii x"},
		{"an image", "local invoke F -ii x -ii=y", "local invoke F --invoke-image x --invoke-image=y"},
		{"one override", "local invoke --parameter-overrides A=1 F", "local invoke --parameter-overrides A=1 F"},
		{"overrides", "local invoke --parameter-overrides A=1 B=2 file://x C=3 F -e e", "local invoke --parameter-overrides A=1 --parameter-overrides=B=2 --parameter-overrides=file://x --parameter-overrides=C=3 F -e e"},
		{"overrides behind an equals sign", "local invoke --parameter-overrides=A=1 B=2", "local invoke --parameter-overrides=A=1 --parameter-overrides=B=2"},
		{"the first word is one whatever it looks like", "local invoke --parameter-overrides F A=1", "local invoke --parameter-overrides F --parameter-overrides=A=1"},
		{"overrides end at an option", "local invoke --parameter-overrides A=1 -x=2 B=3", "local invoke --parameter-overrides A=1 -x=2 B=3"},
		{"no override at all", "local invoke --parameter-overrides", "local invoke --parameter-overrides"},
		{"another command of the kind", "--debug local start-lambda F -ii x --parameter-overrides A=1 B=2 G", "local start-lambda --debug F --invoke-image x --parameter-overrides A=1 --parameter-overrides=B=2 G"},
		{"two dashes end the options", "local invoke -- -ii", "local invoke -- -ii"},
		{"options before the command", "--debug local --beta-features invoke F", "local invoke --debug --beta-features F"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(rewrite(strings.Fields(tt.in)), " ")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestValuesAreChecked(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	tests := []struct {
		name  string
		value *value
		in    string
		want  string // a part of the error, "" for none
	}{
		{"a file that is there", text(new(string), "", exists), dir, ""},
		{"a file that is not", text(new(string), "", exists), missing, "Path '" + missing + "' does not exist."},
		{"a folder", text(new(string), "", noFile), dir, ""},
		{"a folder that is not there yet", text(new(string), "", noFile), missing, ""},
		{"a file for a folder", text(new(string), "", noFile), "options_test.go", "Directory 'options_test.go' is a file."},
		{"a runtime", text(new(string), "", knownRuntime), "Python3.12", ""},
		{"no runtime", text(new(string), "", knownRuntime), "pyton3.12", "'provided.al2023', 'python3.10', 'python3.11'"},
		{"the nearest runtime", text(new(string), "", knownRuntime), "pyton3.12", "Did you mean python3.12?"},
		{"any port", number(new(int), 0, 65535), "0", ""},
		{"a port that is too high", number(new(int), 0, 65535), "65536", "65536 is not in the range 0<=x<=65535."},
		{"a way to be warm", text(new(string), "", eagerOrLazy), "lazy", ""},
		{"no way to be warm", text(new(string), "", eagerOrLazy), "HOT", "'HOT' is not one of 'EAGER', 'LAZY'."},
		{"a port", ports(new([]int)), "5858", ""},
		{"no number", ports(new([]int)), "x", "'x' is not a valid integer."},
		{"no port", ports(new([]int)), "0", "0 is not in the range 1<=x<=65535."},
		{"a host", texts(new([]string), "", hostAndAddress), "a:::1", ""},
		{"a host without an address", texts(new([]string), "", hostAndAddress), "a:", "hostname:IP"},
		{"an address without a host", texts(new([]string), "", hostAndAddress), ":1.2.3.4", "hostname:IP"},
		{"an image", texts(new([]string), "", imageOf), "registry/image:tag", ""},
		{"a function's image", texts(new([]string), "", imageOf), "Stack/F=image", ""},
		{"no image", texts(new([]string), "", imageOf), "F=", "Invalid command line image input F=."},
		{"nobody's image", texts(new([]string), "", imageOf), "=image", "Invalid command line image input =image."},
		{"a tenant", text(new(string), "", tenant), "A-z 0._:/=+@", ""},
		{"a blank tenant", text(new(string), "", tenant), "  ", "must not be empty or blank"},
		{"a long tenant", text(new(string), "", tenant), strings.Repeat("x", 257), "at most 256 characters, not 257"},
		{"a tenant with other letters", text(new(string), "", tenant), "aéb", "'aéb' has characters other than"},
		{"a boolean", yes(new(bool)), "On", ""},
		{"no boolean", yes(new(bool)), "maybe", "'maybe' is not a valid boolean."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.value.Set(tt.in)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("error %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// command is a command with one option of each kind.
type command struct {
	name  string
	ports []int
	hosts []string
	on    bool
	table []*option
	cmd   *cobra.Command
}

func newCommand() *command {
	c := &command{}
	c.table = []*option{
		{name: "template", alias: "template-file", short: "t", env: "T", value: text(&c.name, "PATH")},
		{name: "port", short: "d", env: "P", value: ports(&c.ports)},
		{name: "add-host", value: texts(&c.hosts, "X", hostAndAddress)},
		{name: "links", not: "no-links", env: "L", value: yes(&c.on), opposite: no(&c.on)},
	}
	c.cmd = &cobra.Command{Use: "c"}
	define(c.cmd.Flags(), c.table)
	c.cmd.SetFlagErrorFunc(lineError(c.table))
	return c
}

// parse reads a command line as cobra does.
func (c *command) parse(line string) error {
	if err := c.cmd.ParseFlags(strings.Fields(line)); err != nil {
		return c.cmd.FlagErrorFunc()(c.cmd, err)
	}
	fromLine(c.cmd.Flags(), c.table)
	return nil
}

func TestCommandLinesInClicksWords(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"an unknown option", "--tmplate x", "No such option: --tmplate Did you mean --template?"},
		{"another", "--zzzzzz", "No such option: --zzzzzz"},
		{"a letter", "-z", "No such option: -z"},
		{"no value", "--template", "Option '--template' requires an argument."},
		{"no value for a letter", "-t", "Option '-t' requires an argument."},
		{"a wrong value", "-d x", "Invalid value for '--port' / '-d': 'x' is not a valid integer."},
		{"a wrong value among several", "--add-host a:1 --add-host b", "Invalid value for '--add-host': --add-host is not a valid format, it needs to be of the form hostname:IP"},
		{"a value for the opposite", "--no-links=perhaps", "Invalid value for '--links': 'perhaps' is not a valid boolean."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := newCommand().parse(tt.line)
			var usage *cli.UsageError
			if !errors.As(err, &usage) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestEnvironmentStandsInForOptions(t *testing.T) {
	tests := []struct {
		name, line string
		env        map[string]string
		want       command
		source     string // of the template
		err        string
	}{
		{"nothing", "", nil, command{}, "", ""},
		{"variables", "", map[string]string{"T": "a", "P": "1 2", "L": "yes"}, command{name: "a", ports: []int{1, 2}, on: true}, "T", ""},
		{"an empty one", "", map[string]string{"T": ""}, command{}, "", ""},
		{"the command line wins", "-t b -d 3 --no-links", map[string]string{"T": "a", "P": "1", "L": "1"}, command{name: "b", ports: []int{3}}, "", ""},
		{"the other name, too", "--template-file=b", map[string]string{"T": "a"}, command{name: "b"}, "", ""},
		{"a wrong number", "", map[string]string{"P": "1 x"}, command{}, "", "Invalid value for '--port' / '-d': 'x' is not a valid integer. (env var: 'P')"},
		{"a wrong boolean", "", map[string]string{"L": "x"}, command{}, "", "Invalid value for '--links': 'x' is not a valid boolean. (env var: 'L')"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCommand()
			if err := c.parse(tt.line); err != nil {
				t.Fatal(err)
			}
			err := fromShell(tt.env, c.table)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := command{name: c.name, ports: c.ports, hosts: c.hosts, on: c.on}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(command{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := c.table[0].from.String(); got != tt.source {
				t.Errorf("the template is from %q, want %q", got, tt.source)
			}
		})
	}
}

func TestOptionsHaveTheirKeysAndNames(t *testing.T) {
	tests := []struct {
		name string
		o    option
		keys []string
		text string
	}{
		{"plain", option{name: "debug-args"}, []string{"debug_args"}, "'--debug-args'"},
		{"with a letter", option{name: "event", short: "e"}, []string{"event"}, "'--event' / '-e'"},
		{"with a second name", option{name: "template", alias: "template-file", short: "t"}, []string{"template_file", "template"}, "'--template-file' / '--template' / '-t'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.keys, tt.o.keys()); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if got := tt.o.String(); got != tt.text {
				t.Errorf("got %s, want %s", got, tt.text)
			}
		})
	}
}

// TestOptionTableIsWhole: no two options share a name, a letter or a variable,
// and each says what it is for and can be saved.
func TestOptionTableIsWhole(t *testing.T) {
	o, start := &invokeOptions{}, &startLambdaOptions{}
	tables := map[string][]*option{"invoke": o.options(), "start-lambda": append(start.serverOptions(), start.localTable()...)}
	for name, table := range tables {
		t.Run(name, func(t *testing.T) { checkTable(t, append(table, o.engineOptions()...)) })
	}
}

func checkTable(t *testing.T, table []*option) {
	t.Helper()
	seen := map[string]bool{}
	once := func(what string) {
		if what != "" && seen[what] {
			t.Errorf("%s is there twice", what)
		}
		seen[what] = true
	}
	for _, option := range table {
		for _, name := range []string{option.name, option.alias, option.not, option.env} {
			once(name)
		}
		if option.short != "" {
			once("-" + option.short)
		}
		if option.usage == "" || option.value.saved == nil || (option.not == "") != (option.opposite == nil) {
			t.Errorf("--%s is not complete", option.name)
		}
	}
}
