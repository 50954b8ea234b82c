package samcli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
)

// sam runs a command line in a folder and returns what it prints and its status.
func sam(t *testing.T, dir string, env map[string]string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	t.Chdir(dir)
	var out, err bytes.Buffer
	s := &cli.Streams{In: strings.NewReader(""), Out: &out, Err: &err, Env: env}
	status = cli.Main(context.Background(), append([]string{"sam"}, args...), s, Dialect())
	return out.String(), err.String(), status
}

func TestInfoIsJSON(t *testing.T) {
	out, _, status := sam(t, t.TempDir(), nil, "--info")
	if !regexp.MustCompile(`^\{\n  "version": "[^"]+"\n\}\n$`).MatchString(out) || status != 0 {
		t.Errorf("status %d, output %q", status, out)
	}
}

func TestWhatIsSaidBeforeAFunctionRuns(t *testing.T) {
	tests := []struct {
		name   string
		args   string
		env    map[string]string
		status int
		want   string // a part of standard error
	}{
		{"no template", "", nil, 1, "Error: Template file not found at "},
		{"a template that is not there", "-t x.yaml", nil, 1, "x.yaml"},
		{"a template that is not there, by the environment", "", map[string]string{"SAM_TEMPLATE_FILE": "y.yaml"}, 1, "y.yaml"},
		{"Terraform", "--hook-name terraform", nil, 2, "lambkin does not read Terraform projects, only templates."},
		{"a plan of Terraform", "--terraform-plan-file x", nil, 2, "Error: Missing option --hook-name\n"},
		{"what Terraform needs not", "--skip-prepare-infra", nil, 2, "Error: Missing option --hook-name\n"},
		{"what is so anyway", "--prepare-infra", nil, 1, "Template file not found"},
		{"durable functions", "--durable-execution-name x", nil, 2, "lambkin does not run durable functions."},
		{"a region", "--region -x", nil, 1, "Error: Provided region: -x doesn't match a supported format"},
		{"one idle option", "--docker-network x", nil, 1, "no effect without --isolation container: --docker-network\n"},
		{"idle options", "--shutdown -v /x --container-host h", nil, 1, "no effect here: --shutdown, --container-host\nlambkin: note: no effect without --isolation container: --docker-volume-basedir\n"},
		{"an idle option by the environment", "", map[string]string{"SAM_DOCKER_NETWORK": "x"}, 1, "no effect without --isolation container: --docker-network (SAM_DOCKER_NETWORK)\n"},
		{"language extensions", "--no-language-extensions", nil, 1, "no effect here: --no-language-extensions\n"},
		{"a debugger without a port", "--debug-args=-x --debugger-path /", nil, 1, "no effect here: --debug-args, --debugger-path\n"},
		{"a debugger that is not there", "-d 5858 --debugger-path none", nil, 1, "Error: 'none' could not be found.\n"},
		{"a debugger that is a file", "-d 5858 --debugger-path vars.json", nil, 1, "Error: 'vars.json' should be a directory with the debugger in it.\n"},
		{"broken variables for the debugger", "-d 5858 --container-env-vars vars.json", nil, 1, "Error: vars.json:2:7: Environment variables B in incorrect format\n"},
		{"the same without a port", "--container-env-vars vars.json", nil, 1, "no effect here: --container-env-vars\n"},
		{"what is done", "--debug -n env.json --parameter-overrides A=1", nil, 1, " | Parameter A = 1\n"},
		{"where options come from", "-e x", map[string]string{"SAM_DEBUG": "1"}, 1, " | --debug true, from SAM_DEBUG\n"},
		{"where options come from: the command line", "--debug -e x", nil, 1, " | --event x, from the command line\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"vars.json": "{\"A\": 1,\n \"B\": {}}", "env.json": "{}"})
			out, err, status := sam(t, dir, tt.env, append([]string{"local", "invoke"}, strings.Fields(tt.args)...)...)
			if out != "" || status != tt.status || !strings.Contains(err, tt.want) {
				t.Errorf("status %d, output %q, errors %q; want status %d and %q", status, out, err, tt.status, tt.want)
			}
		})
	}
}

func TestNothingIsSaidOfWhatIsSoAnyway(t *testing.T) {
	for _, args := range []string{"--no-mount-symlinks", "--language-extensions", "--no-beta-features", "--no-event"} {
		t.Run(args, func(t *testing.T) {
			_, err, _ := sam(t, t.TempDir(), map[string]string{"SAM_SKIP_PULL_IMAGE": "false"}, "local", "invoke", args)
			if strings.Contains(err, "no effect") {
				t.Errorf("errors %q", err)
			}
		})
	}
}

func TestOptionsReachTheEngine(t *testing.T) {
	dir := folder(t, map[string]string{"vars.json": `{"A": 1, "B": true, "C": "x"}`})
	o := &invokeOptions{localOptions: localOptions{streams: &cli.Streams{}}}
	o.table = o.options()
	o.template, o.functions, o.region, o.profile, o.runtime, o.layerCache = "t", []string{"F"}, "r", "p", "Python3.12", "l"
	o.envVarsExtra, o.debugPorts, o.debugArgs, o.debuggerPath = true, []int{1, 2}, "-m  debugpy", dir
	o.dockerNetwork, o.hosts, o.dns, o.volumeBase = "none", []string{"db:192.0.2.1"}, []string{"192.0.2.2"}, "/there"
	o.invokeImages, o.skipPull, o.rebuild, o.noMemoryLimit = []string{"all:1", "F=f:2"}, true, true, true
	o.debugVarsIn = filepath.Join(dir, "vars.json")
	got, err := o.appOptions()
	if err != nil {
		t.Fatal(err)
	}
	got.Notice, got.Kinds, got.Progress = nil, nil, nil
	want := app.Options{
		Vocabulary: app.SAM, File: "t", Function: "F", Region: "r", Profile: "p", Runtime: "python3.12", LayerCache: "l", EnvExtra: true,
		Debug:     &app.Debug{Ports: []int{1, 2}, Args: []string{"-m", "debugpy"}, Path: dir},
		Variables: []string{"A=1", "B=true", "C=x"},
		Network:   "none", Hosts: []string{"db:192.0.2.1"}, NoMemoryLimit: true,
		Container: app.ContainerOptions{DNS: []string{"192.0.2.2"}, VolumeBase: "/there"},
		Images:    app.ImageOptions{Names: map[string]string{"": "all:1", "F": "f:2"}, SkipPull: true, Rebuild: true},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(app.EnvVars{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestALinkStaysOneWhenParametersAreSaved(t *testing.T) {
	dir := folder(t, map[string]string{"real.toml": "version = 0.1\n"})
	link := filepath.Join(dir, "samconfig.toml")
	if err := os.Symlink("real.toml", link); err != nil {
		t.Skip(err)
	}
	_, errs, _ := sam(t, dir, nil, "local", "invoke", "F", "--save-params")
	st, err := os.Lstat(link)
	if err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v (%v)", st, err)
	}
	got, _ := os.ReadFile(filepath.Join(dir, "real.toml"))
	if want := "version = 0.1\n\n[default.local_invoke.parameters]\nfunction_logical_id = \"F\"\n"; string(got) != want {
		t.Errorf("got %q; %s", got, errs)
	}
}
