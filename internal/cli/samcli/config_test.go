package samcli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/app"
)

// folder makes a folder with files and returns its name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	inTOML = "version = 0.1\n[default.local_invoke.parameters]\nport = 1\n"
	inYAML = "version: 0.1\ndefault: {local_invoke: {parameters: {port: 2}}}\n"
)

func TestConfigFilesAreFound(t *testing.T) {
	tests := []struct {
		name, given string
		files       map[string]string
		want        string // the file, "" for none
		port, told  string
	}{
		{"none", "", nil, "", "", ""},
		{"TOML", "", map[string]string{"samconfig.toml": inTOML}, "samconfig.toml", "1", ""},
		{"YAML", "", map[string]string{"samconfig.yaml": inYAML}, "samconfig.yaml", "2", ""},
		{"YAML's other name", "", map[string]string{"samconfig.yml": inYAML}, "samconfig.yml", "2", ""},
		{"JSON is none", "", map[string]string{"samconfig.json": "{}"}, "", "", ""},
		{"several", "", map[string]string{"samconfig.yml": inYAML, "samconfig.toml": inTOML}, "samconfig.toml", "1", "More than one samconfig file found; using samconfig.toml."},
		{"a given one", "x.yaml", map[string]string{"x.yaml": inYAML, "samconfig.toml": inTOML}, "x.yaml", "2", ""},
		{"an empty one", "", map[string]string{"samconfig.toml": "# nothing\n"}, "samconfig.toml", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, told := folder(t, tt.files), ""
			c, err := readConfig(configQuery{dir: dir, file: tt.given, command: "local_invoke", known: []string{"port"}, tell: func(s string) { told += s }})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want != "" && c.path != filepath.Join(dir, tt.want) || c.there != (tt.want != "") {
				t.Errorf("found %q (%v), want %q", c.path, c.there, tt.want)
			}
			if n := c.setting("port"); n == nil && tt.port != "" || n != nil && n.Text != tt.port {
				t.Errorf("port is %v, want %q", n, tt.port)
			}
			if diff := cmp.Diff(tt.told, told); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigFileMistakes(t *testing.T) {
	tests := []struct{ name, file, content, want string }{
		{"not there", "none.toml", "", "Config file none.toml does not exist or could not be read!"},
		{"another kind", "c.json", "{}", "c.json uses an unsupported extension, and cannot be read."},
		{"no version", "c.toml", "[default]\n", "c.toml:1:1: 'version' key is not present or is in unrecognized format."},
		{"a version that is no number", "c.toml", "a = 1\nversion = '0.1'\n", "c.toml:2:11: 'version' key is not present"},
		{"a whole number", "c.yaml", "version: 1\n", "c.yaml:1:10: 'version' key is not present"},
		{"TOML's syntax", "c.toml", "version = 0.1\n[a\n", "c.toml:2:"},
		{"YAML's syntax", "c.yml", "version: 0.1\na: {b\nc: 1\n", "c.yml:"},
		{"no map", "c.yaml", "text\n", "c.yaml:1:1: a config file is a map of environments, not a string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{}
			if tt.content != "" {
				files[tt.file] = tt.content
			}
			dir := folder(t, files)
			_, err := readConfig(configQuery{dir: dir, file: tt.file, command: "local_invoke"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			var problem *app.Problem
			if errors.As(err, &problem) && problem.Kind != app.InProject {
				t.Errorf("kind %v", problem.Kind)
			}
		})
	}
}

func TestSettingsComeFromTheNearestSection(t *testing.T) {
	const src = `version = 0.1
[default.global.parameters]
port = 1
template_file = "g"
add_host = "a:1"
[default.local_invoke.parameters]
template = "t"
port = [2, 3]
links = true
[bare.global.parameters]
template = "g"
links = "no"
`
	tests := []struct {
		name, env, line string
		want            command
	}{
		{"the command's wins", "", "", command{name: "t", ports: []int{2, 3}, hosts: []string{"a:1"}, on: true}},
		{"all commands'", "bare", "", command{name: "g"}},
		{"an unknown environment has none", "other", "", command{}},
		{"the command line wins", "", "--port 9 --no-links --template x", command{name: "x", ports: []int{9}, hosts: []string{"a:1"}}},
	}
	dir := folder(t, map[string]string{"samconfig.toml": src})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conf, err := readConfig(configQuery{dir: dir, env: tt.env, command: "local_invoke", fresh: true})
			if err != nil {
				t.Fatal(err)
			}
			c := newCommand()
			if err := errors.Join(c.parse(tt.line), fromFile(conf, c.table)); err != nil {
				t.Fatal(err)
			}
			got := command{name: c.name, ports: c.ports, hosts: c.hosts, on: c.on}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(command{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSettingsOfAnotherKind(t *testing.T) {
	tests := []struct{ name, setting, want string }{
		{"a number as text", "template = 1.50", ""},
		{"a boolean as text", "template = true", ""},
		{"a list as text", "template = ['a']", ":3:12: Invalid value for '--template-file' / '--template' / '-t': it takes text, not a list"},
		{"a map as text", "template = {a = 1}", "it takes text, not a map"},
		{"a list of lists", "add_host = [['a:1']]", "Invalid value for '--add-host': it takes text or a list of texts, not a list"},
		{"a list as a boolean", "links = [true]", "Invalid value for '--links': it takes true or false, not a list"},
		{"a text as a boolean", "links = 'x'", ":3:9: Invalid value for '--links': 'x' is not a valid boolean."},
		{"a wrong number", "port = 1.5", ":3:8: Invalid value for '--port' / '-d': '1.5' is not a valid integer."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"samconfig.toml": "version = 0.1\n[default.local_invoke.parameters]\n" + tt.setting + "\n"})
			conf, err := readConfig(configQuery{dir: dir, command: "local_invoke", known: []string{"template", "links", "port", "add_host"}})
			if err != nil {
				t.Fatal(err)
			}
			err = fromFile(conf, newCommand().table)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSettingsThatNothingReadsAreNamed(t *testing.T) {
	const src = `version = 0.1
[default.local_invoke]
port = 1
[default.local_invoke.parameters]
prot = 1
port = 2
zzzzzzzz = 3
[default.local-invoke.parameters]
[default.deploy.parameters]
prot = 1
[default.global.parameters]
prot = 1
`
	dir := folder(t, map[string]string{"samconfig.toml": src})
	c, err := readConfig(configQuery{dir: dir, command: "local_invoke", known: []string{"port"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range c.diags {
		got = append(got, strings.TrimPrefix(d.Error(), filepath.Join(dir, "samconfig.toml")+":")+" | "+d.Hint)
	}
	want := []string{
		`8:10: "local-invoke" is not read | the command's key is local_invoke`,
		`3:1: "port" is not read here | settings stand in [default.local_invoke.parameters]`,
		`5:1: "prot" is no option of this command | did you mean "port"?`,
		`7:1: "zzzzzzzz" is no option of this command | `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSavingKeepsTheFile(t *testing.T) {
	settings := []saving{{"local_invoke", "event", "e.json"}, {"global", "region", "eu-west-1"}}
	const saved = "[default.local_invoke.parameters]\nevent = \"e.json\"\n\n[default.global.parameters]\nregion = \"eu-west-1\"\n"
	tests := []struct{ name, before, want string }{
		{"a new file", "", "version = 0.1\n\n" + saved},
		{"an empty file", "\n", "version = 0.1\n\n" + saved},
		{"another command's settings", "# mine\nversion = 0.1\n[default.deploy.parameters]\nx = 1 # one\n", "# mine\nversion = 0.1\n[default.deploy.parameters]\nx = 1 # one\n\n" + saved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "samconfig.toml")
			if tt.before != "" {
				path = filepath.Join(folder(t, map[string]string{"samconfig.toml": tt.before}), "samconfig.toml")
			}
			if err := save(path, "default", settings); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			st, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if mode := st.Mode().Perm(); tt.before != "" && mode != 0o600 {
				t.Errorf("the file's mode became %v", mode)
			}
		})
	}
}

func TestSavingLeavesWhatItCannotChange(t *testing.T) {
	settings := []saving{{"local_invoke", "event", "e.json"}}
	tests := []struct{ name, file, content, want string }{
		{"YAML", "samconfig.yaml", inYAML, "--save-params writes samconfig.toml, and cannot change"},
		{"an inline table", "samconfig.toml", "version = 0.1\ndefault = {}\n", "saving event to [default.local_invoke.parameters]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(folder(t, map[string]string{tt.file: tt.content}), tt.file)
			err := save(path, "default", settings)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if got, _ := os.ReadFile(path); string(got) != tt.content {
				t.Errorf("the file became %q", got)
			}
		})
	}
}

func TestOnlyTheCommandLineIsSaved(t *testing.T) {
	c := newCommand()
	c.table = append(c.table, &option{name: "region", value: text(new(string), "")}, &option{name: "config-env", value: text(new(string), "")})
	add(c.cmd.Flags(), "region", "", "", c.table[4].value)
	add(c.cmd.Flags(), "config-env", "", "", c.table[5].value)
	if err := c.parse("--no-links -t x -d 1 -d 2 --region r --config-env e"); err != nil {
		t.Fatal(err)
	}
	if err := fromShell(map[string]string{"L": "1"}, c.table); err != nil {
		t.Fatal(err)
	}
	several := savings("local_start_lambda", functionsKey, []string{"F", "G"}, nil)
	if diff := cmp.Diff([]saving{{"local_start_lambda", "function_logical_ids", []string{"F", "G"}}}, several, cmp.AllowUnexported(saving{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got := savings("local_invoke", functionKey, []string{"F"}, c.table)
	want := []saving{
		{"local_invoke", "function_logical_id", "F"},
		{"local_invoke", "template_file", "x"},
		{"local_invoke", "port", []int{1, 2}},
		{"local_invoke", "links", false},
		{"global", "region", "r"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(saving{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
