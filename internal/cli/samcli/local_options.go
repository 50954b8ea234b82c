package samcli

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/cli"
	"github.com/lambkin-dev/lambkin/internal/doc"
	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// localOptions is what all commands are told that run functions.
type localOptions struct {
	streams *cli.Streams
	table   []*option
	engine  cli.EngineFlags

	// command is the command's key in samconfig, argument that of its arguments.
	command, argument string
	// functions are the command's arguments; without any they come from
	// samconfig.
	functions []string

	template, envVars, logFile string
	region, profile            string
	envVarsExtra               bool
	overrides                  []string
	parameters                 map[string]string
	layerCache                 string

	debugPorts                           []int
	debugArgs, debuggerPath, debugVarsIn string

	configFile, configEnv string
	saveParams, debug     bool

	volumeBase, dockerNetwork        string
	dns, hosts, invokeImages         []string
	skipPull, rebuild, noMemoryLimit bool

	hook, planFile     string
	languageExtensions bool
}

// localTable are the options that all commands have.
func (o *localOptions) localTable() []*option {
	return slices.Concat(o.functionOptions(), o.configOptions(), o.debugOptions(), o.otherOptions(), o.containerOptions())
}

func (o *localOptions) functionOptions() []*option {
	return []*option{
		{name: "template", alias: "template-file", short: "t", env: "SAM_TEMPLATE_FILE", value: text(&o.template, "PATH"), usage: "template `file` (default: .aws-sam/build/template.yaml or template.[yaml|yml|json])"},
		{name: "env-vars", short: "n", value: text(&o.envVars, "PATH", exists), usage: "JSON or dotenv `file` with values for the environment variables that functions declare"},
		{name: "env-vars-extra", value: yes(&o.envVarsExtra), usage: "pass variables of --env-vars that the function does not declare, too (lambkin's own)"},
		{name: "parameter-overrides", value: parameters(&o.overrides, &o.parameters), usage: "template parameters: Key=Value …, ParameterKey=Key,ParameterValue=Value …, or file://parameters.yaml"},
		{name: "log-file", short: "l", value: text(&o.logFile, "PATH"), usage: "write the functions' output to this `file`; of local invoke the result, too"},
		{name: "region", value: text(&o.region, "TEXT"), usage: "AWS `region`"},
		{name: "profile", value: text(&o.profile, "TEXT"), usage: "`profile` of the shared AWS configuration to take credentials and region from"},
		{name: "layer-cache-basedir", env: "SAM_LAYER_CACHE_BASEDIR", value: text(&o.layerCache, "DIRECTORY", noFile), usage: "`folder` with layers that were fetched by their ARN (default: SAM CLI's)"},
	}
}

func (o *localOptions) configOptions() []*option {
	return []*option{
		{name: "config-file", value: text(&o.configFile, "TEXT"), usage: "configuration `file`, relative to the template's folder (default: samconfig.[toml|yaml|yml])"},
		{name: "config-env", value: text(&o.configEnv, "TEXT"), usage: "`environment` in the configuration file (default: default)"},
		{name: "save-params", value: yes(&o.saveParams), usage: "save the options of this command line to samconfig.toml"},
	}
}

func (o *localOptions) debugOptions() []*option {
	return []*option{
		{name: "debug-port", short: "d", env: "SAM_DEBUG_PORT", value: ports(&o.debugPorts), usage: "wait for a debugger on this `port`, and lift the timeout; may be repeated"},
		{name: "debug-args", env: "DEBUGGER_ARGS", value: text(&o.debugArgs, "TEXT"), usage: "`arguments` for the debugger; of effect with --debug-port"},
		{name: "debugger-path", value: text(&o.debuggerPath, "TEXT"), usage: "`folder` with the debugger; of effect with --debug-port"},
		{name: "container-env-vars", value: text(&o.debugVarsIn, "PATH", exists), usage: "JSON `file` with more environment variables; of effect with --debug-port"},
		{name: "debug", env: "SAM_DEBUG", value: yes(&o.debug), usage: "say on standard error what is done"},
	}
}

func (o *localOptions) otherOptions() []*option {
	var beta, skipPrepare bool
	return []*option{
		{name: "language-extensions", not: "no-language-extensions", env: "SAM_CLI_ENABLE_LANGUAGE_EXTENSIONS", value: yes(&o.languageExtensions), opposite: no(&o.languageExtensions), usage: "apply AWS::LanguageExtensions, which is always done where the template names it"},
		{name: "beta-features", not: "no-beta-features", idle: true, env: "SAM_CLI_BETA_FEATURES", value: yes(&beta), opposite: no(&beta), usage: "no effect: there are none"},
		{name: "hook-name", value: text(&o.hook, "TEXT"), usage: "refused: lambkin does not read Terraform projects"},
		{name: "skip-prepare-infra", not: "prepare-infra", value: yes(&skipPrepare), opposite: no(&skipPrepare), usage: "refused, as --hook-name is"},
		{name: "terraform-plan-file", value: text(&o.planFile, "PATH"), usage: "refused, as --hook-name is"},
	}
}

// containerOptions are about containers and images.
func (o *localOptions) containerOptions() []*option {
	alone := []*option{
		{name: "docker-volume-basedir", short: "v", env: "SAM_DOCKER_VOLUME_BASEDIR", value: text(&o.volumeBase, "PATH"), usage: "`folder` in which an engine on another machine has the template's"},
		{name: "container-dns", value: texts(&o.dns, "TEXT"), usage: "`address` of a name server"},
	}
	for _, option := range alone {
		option.contained = true
		option.usage += "; of effect with --isolation container"
	}
	idle := []*option{
		{name: "shutdown", value: yes(new(bool)), usage: "no effect: extensions are always told of the end"},
		{name: "container-host", value: text(new(string), "TEXT"), usage: "no effect: nothing of a container has to be reached"},
		{name: "container-host-interface", value: text(new(string), "TEXT"), usage: "no effect, as --container-host"},
	}
	for _, option := range idle {
		option.idle = true
	}
	return slices.Concat([]*option{
		{name: "docker-network", env: "SAM_DOCKER_NETWORK", value: text(&o.dockerNetwork, "TEXT"), usage: "`network` of functions: host or none; with --isolation container, one of the engine's"},
		{name: "add-host", value: texts(&o.hosts, "HOSTNAME:IP", hostAndAddress), usage: "a further `name` that functions know; may be repeated"},
		{name: "invoke-image", value: texts(&o.invokeImages, "TEXT", imageOf), usage: "run functions in this `image`: URI, or FUNCTION=URI; may be repeated"},
		{name: "skip-pull-image", env: "SAM_SKIP_PULL_IMAGE", value: yes(&o.skipPull), usage: "ask no registry for images"},
		{name: "force-image-build", env: "SAM_FORCE_IMAGE_BUILD", value: yes(&o.rebuild), usage: "build the images of Image functions anew"},
		{name: "no-memory-limit", value: yes(&o.noMemoryLimit), usage: "let functions use more memory than they are configured with"},
	}, alone, idle)
}

// engineOptions are lambkin's own that every vocabulary has.
func (o *localOptions) engineOptions() []*option {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.engine.Add(f)
	return optionsOf(f)
}

// define gives the command its options.
func (o *localOptions) define(cmd *cobra.Command, table []*option) {
	f := cmd.Flags()
	f.SortFlags = false
	o.table = table
	define(f, o.table)
	o.engine.Add(f)
	cli.CompleteEngine(cmd)
	o.table = append(o.table, o.engineOptions()...)
	cmd.SetFlagErrorFunc(lineError(o.table))
}

// settle brings the options together: what the command line does not set comes
// from the environment, and what that does not from the configuration file.
func (o *localOptions) settle() error {
	s := o.streams
	if s.Env["SAM_CLI_NO_COLOR"] != "" {
		s.ErrTTY = false
	}
	if err := fromShell(s.Env, o.table); err != nil {
		return err
	}
	c, err := readConfig(configQuery{
		dir: filepath.Dir(o.template), file: o.configFile, env: o.configEnv, fresh: o.saveParams, command: o.command, known: o.keys(),
		tell: func(text string) { fmt.Fprintln(s.Err, text) },
	})
	if err != nil {
		return err
	}
	if err := fromFile(c, o.table); err != nil {
		return err
	}
	named := o.functions
	if len(named) == 0 {
		o.functions = configured(c.setting(o.argument))
	}
	if o.overrides != nil {
		if o.parameters, err = parseOverrides(o.overrides); err != nil {
			return err
		}
	}
	if err := o.refuse(); err != nil {
		return err
	}
	s.Diags(c.diags)
	o.tell(c)
	o.noteIdle()
	if !o.saveParams {
		return nil
	}
	return o.save(c, savings(o.command, o.argument, named, o.table))
}

// configured are the arguments that a configuration file gives: text or a list.
func configured(n *doc.Node) (names []string) {
	if name, ok := n.Str(); ok {
		return []string{name}
	}
	if n.Is(doc.List) {
		for _, item := range n.Items {
			if name, ok := item.Str(); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// save writes the options of the command line to the configuration file.
func (o *localOptions) save(c *config, settings []saving) error {
	if len(settings) == 0 {
		o.streams.Notice("--save-params has nothing to save: the command line has no other options")
		return nil
	}
	if err := save(c.path, c.env, settings); err != nil {
		return err
	}
	fmt.Fprintln(o.streams.Err, savedText(c.path, c.env, settings))
	return nil
}

// keys are all keys that samconfig may have for the command.
func (o *localOptions) keys() []string {
	keys := []string{o.argument}
	for _, option := range o.table {
		keys = append(keys, option.keys()...)
	}
	return keys
}

// label is what botocore takes for a region.
var label = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`) })

// refuse ends the command where an option asks for what lambkin does not do.
func (o *localOptions) refuse() error {
	for _, option := range o.table {
		if option.from.kind == byDefault {
			continue
		}
		switch option.name {
		case "hook-name":
			return option.invalid(errors.New("lambkin does not read Terraform projects, only templates."))
		case "skip-prepare-infra", "terraform-plan-file":
			if o.hook == "" && !option.from.off {
				return &cli.UsageError{Err: errors.New("Missing option --hook-name")}
			}
		case "durable-execution-name":
			return option.invalid(errors.New("lambkin does not run durable functions."))
		case "region":
			if !label().MatchString(o.region) {
				return fmt.Errorf("Provided region: %s doesn't match a supported format", o.region)
			}
		}
	}
	return nil
}

// noteIdle names the given options that do nothing here, in a line for each reason.
func (o *localOptions) noteIdle() {
	notes := map[string][]string{}
	for _, option := range o.table {
		why := o.idleness(option)
		if why == "" {
			continue
		}
		name := "--" + option.name
		if option.from.off && option.not != "" {
			name = "--" + option.not
		}
		if from := option.from.String(); from != "" {
			name += " (" + from + ")"
		}
		notes[why] = append(notes[why], name)
	}
	for _, why := range slices.Sorted(maps.Keys(notes)) {
		o.streams.Notice("no effect " + why + ": " + strings.Join(notes[why], ", "))
	}
}

// inContainers reports whether functions run in containers.
func (o *localOptions) inContainers() bool {
	return cmp.Or(o.engine.Isolation, o.streams.Env[app.DefaultIsolation]) == "container"
}

// idleness says where an option that was given does nothing in this run, "" for
// one that does.
func (o *localOptions) idleness(option *option) string {
	const here, uncontained = "here", "without --isolation container"
	switch {
	case o.isIdle(option):
		return here
	case option.from.kind == byDefault || o.inContainers():
		return ""
	case option.contained, option.name == "docker-network" && o.network() == "" && o.dockerNetwork != "":
		return uncontained
	}
	return ""
}

// network is the network that is asked for, as far as there is one.
func (o *localOptions) network() string {
	switch {
	case o.engine.Network != "":
		return o.engine.Network
	case o.inContainers(), o.dockerNetwork == "host", o.dockerNetwork == app.NoNetwork:
		return o.dockerNetwork
	}
	return ""
}

// isIdle reports whether an option was given and does nothing in this run.
func (o *localOptions) isIdle(option *option) bool {
	if option.from.kind == byDefault {
		return false
	}
	switch option.name {
	case "language-extensions":
		return !o.languageExtensions
	case "debug-args", "debugger-path", "container-env-vars":
		return len(o.debugPorts) == 0
	}
	return option.idle && !option.from.off
}

// debugging turns the options about debuggers into the engine's.
func (o *localOptions) debugging(options *app.Options) error {
	if len(o.debugPorts) == 0 {
		return nil
	}
	if o.debuggerPath != "" {
		st, err := os.Stat(o.debuggerPath)
		if err != nil {
			return fmt.Errorf("'%s' could not be found.", o.debuggerPath)
		}
		if !st.IsDir() {
			return fmt.Errorf("'%s' should be a directory with the debugger in it.", o.debuggerPath)
		}
		// The function's process has another working folder.
		if o.debuggerPath, err = filepath.Abs(o.debuggerPath); err != nil {
			return err
		}
	}
	options.Debug = &app.Debug{Ports: o.debugPorts, Args: strings.Fields(o.debugArgs), Path: o.debuggerPath}
	if o.debugVarsIn == "" {
		return nil
	}
	variables, err := debugVariables(o.debugVarsIn)
	options.Variables = variables
	return err
}

// debugVariables reads --container-env-vars: an object of names and values.
func debugVariables(file string) ([]string, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("Could not read environment variables overrides from file %s: %w", file, err)
	}
	n, diags := doc.ParseJSONC(src, file)
	if !diags.HasErrors() && !n.Is(doc.Map) {
		diags.Errorf(n.Range, "env-vars", "an object of names and values is needed, not %s", n.Kind)
	}
	var out []string
	if !diags.HasErrors() {
		for _, p := range n.Pairs {
			if !p.Value.IsScalar() {
				diags.Errorf(p.Value.Range, "env-vars", "Environment variables %s in incorrect format", p.Key)
				continue
			}
			out = append(out, p.Key+"="+settingText(p.Value))
		}
	}
	if diags.HasErrors() {
		return nil, &app.Problem{Kind: app.InProject, List: diags}
	}
	return out, nil
}

// tell says with --debug where the options come from.
func (o *localOptions) tell(c *config) {
	if !c.there {
		o.debugf("Config file '%s' does not exist", c.path)
	} else {
		o.debugf("Config file %s, environment %s", c.path, c.env)
	}
	for _, option := range o.table {
		if option.from.kind != byDefault && option.value.node == nil {
			o.debugf("--%s %v, from %s", option.name, option.value.saved(), cmp.Or(option.from.String(), "the command line"))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o.parameters)) {
		o.debugf("Parameter %s = %s", key, o.parameters[key])
	}
}

// debugf prints a line of --debug.
func (o *localOptions) debugf(format string, args ...any) {
	if o.debug {
		fmt.Fprintf(o.streams.Err, "%s | %s\n", time.Now().Format("2006-01-02 15:04:05,000"), fmt.Sprintf(format, args...))
	}
}

// findTemplate refuses a template that is not there in SAM CLI's words.
func (o *localOptions) findTemplate() error {
	if o.template == "" {
		return nil
	}
	path, err := filepath.Abs(o.template)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("Template file not found at %s", path)
	}
	o.debugf("Template %s", path)
	return nil
}

// appOptions is what the options mean to the engine.
func (o *localOptions) appOptions() (app.Options, error) {
	s := o.streams
	options := app.Options{
		Vocabulary: app.SAM, Env: s.Env, File: o.template, Kinds: []lambda.Kind{lambda.KindCloudFormation},
		Region: o.region, Profile: o.profile, Parameters: o.parameters,
		EnvExtra: o.envVarsExtra, LayerCache: o.layerCache, Notice: s.Notice, Progress: s.Progress(),
	}
	o.engine.Apply(&options)
	options.Network, options.Hosts, options.NoMemoryLimit = o.network(), o.hosts, o.noMemoryLimit
	options.Container = app.ContainerOptions{DNS: o.dns, VolumeBase: o.volumeBase}
	options.Images.SkipPull, options.Images.Rebuild = o.skipPull, o.rebuild
	if o.invokeImages != nil {
		options.Images.Names = map[string]string{}
	}
	for _, image := range o.invokeImages {
		function, uri, ok := strings.Cut(image, "=")
		if !ok {
			function, uri = "", image
		}
		options.Images.Names[function] = uri
	}
	if o.envVars != "" {
		vars, err := app.ReadEnvVars(o.envVars, s.Env)
		if err != nil {
			return app.Options{}, err
		}
		options.EnvVars = vars
	}
	return options, o.debugging(&options)
}

// openLog makes the file that takes the functions' output.
func (o *localOptions) openLog() (*os.File, error) {
	file, err := os.Create(o.logFile)
	if err != nil {
		return nil, fmt.Errorf("opening the log file: %w", err)
	}
	return file, nil
}
