package samcli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/app"
	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// The names of SAM CLI's configuration files, the preferred one first.
var configNames = []string{"samconfig.toml", "samconfig.yaml", "samconfig.yml"}

// config is what a configuration file says about one command.
type config struct {
	// path is the file, which need not be there when nobody has named it.
	path string
	// there says that the file was read.
	there bool
	env   string
	// sections hold the command's settings, the most specific section first.
	sections []*doc.Node
	diags    diag.List
}

// configQuery is what to look for.
type configQuery struct {
	// dir is the folder of the configuration file: the template's.
	dir string
	// file is the name that the user has given, "" for the usual ones.
	file string
	// env is the environment that the user has given, "" for the default one;
	// fresh says that it need not be there yet.
	env   string
	fresh bool
	// command is the command's key: its words, joined by underscores.
	command string
	// known are the keys of the command's options.
	known []string
	// tell takes a remark for the user.
	tell func(string)
}

// readConfig finds and reads the configuration file. Errors that its author
// can mend have their place in it.
func readConfig(q configQuery) (*config, error) {
	c := &config{env: cmp.Or(q.env, "default")}
	if err := c.find(q); err != nil || !c.there {
		return c, err
	}
	root, err := c.read()
	if err != nil {
		return nil, err
	}
	if len(root.Pairs) == 0 {
		return c, nil
	}
	if v := root.Get("version"); !v.Is(doc.Float) {
		at := diag.Range{File: c.path, Start: diag.Pos{Line: 1, Column: 1}}
		if v != nil {
			at = v.Range
		}
		return nil, configError(diag.Diagnostic{
			Code: "config-version", Range: at, Summary: "'version' key is not present or is in unrecognized format.",
			Hint: "begin the file with the format's version, 0.1",
		})
	}
	environment := root.Get(c.env)
	if environment == nil && q.env != "" && !q.fresh {
		d := c.diags.Warnf(diag.Range{File: c.path}, "config-env", "there is no environment %q", q.env)
		if near := diag.Nearest(q.env, root.Keys()); near != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	for _, section := range []string{q.command, "global"} {
		if n := environment.Get(section).Get("parameters"); n.Is(doc.Map) {
			c.sections = append(c.sections, n)
		}
	}
	c.check(environment, q)
	return c, nil
}

// find chooses the file.
func (c *config) find(q configQuery) error {
	if q.file != "" {
		c.path = q.file
		if !filepath.IsAbs(c.path) {
			c.path = filepath.Join(q.dir, c.path)
		}
		if st, err := os.Stat(c.path); err != nil || st.IsDir() {
			return fmt.Errorf("Config file %s does not exist or could not be read!", q.file)
		}
		c.there = true
		return nil
	}
	var found []string
	for _, name := range configNames {
		if st, err := os.Stat(filepath.Join(q.dir, name)); err == nil && !st.IsDir() {
			found = append(found, name)
		}
	}
	c.there = len(found) > 0
	c.path = filepath.Join(q.dir, append(found, configNames[0])[0])
	if len(found) > 1 {
		q.tell(fmt.Sprintf("More than one samconfig file found; using %s.", found[0]))
	}
	return nil
}

// read reads the whole file; a named pipe, as shells make of <(…), is TOML.
func (c *config) read() (*doc.Node, error) {
	ext := filepath.Ext(c.path)
	if st, err := os.Stat(c.path); err == nil && st.Mode()&fs.ModeNamedPipe != 0 {
		ext = ".toml"
	}
	if !slices.Contains([]string{".toml", ".yaml", ".yml"}, ext) {
		return nil, fmt.Errorf("The config file %s uses an unsupported extension, and cannot be read.", c.path)
	}
	src, err := os.ReadFile(c.path)
	if err != nil {
		return nil, fmt.Errorf("reading the config file: %w", err)
	}
	var (
		n     *doc.Node
		diags diag.List
	)
	if ext == ".toml" {
		n, diags = doc.ParseTOML(src, c.path)
	} else {
		n, diags = doc.ParseYAML(src, c.path, doc.YAML12)
	}
	if diags.HasErrors() {
		return nil, &app.Problem{Kind: app.InProject, List: diags}
	}
	c.diags = append(c.diags, diags...)
	if !n.Is(doc.Map) && !n.Is(doc.Null) {
		return nil, configError(diag.Diagnostic{Code: "config-form", Range: n.Range, Summary: fmt.Sprintf("a config file is a map of environments, not %s", n.Kind)})
	}
	return n, nil
}

// check warns of settings that nothing reads.
func (c *config) check(environment *doc.Node, q configQuery) {
	if environment == nil || !environment.Is(doc.Map) {
		return
	}
	for _, p := range environment.Pairs {
		if p.Key != q.command && strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(p.Key) == q.command {
			c.diags.Warnf(p.KeyRange, "config-section", "%q is not read", p.Key).Hint = fmt.Sprintf("the command's key is %s", q.command)
		}
	}
	command := environment.Get(q.command)
	if command == nil || !command.Is(doc.Map) {
		return
	}
	for _, p := range command.Pairs {
		if p.Key != "parameters" {
			d := c.diags.Warnf(p.KeyRange, "config-section", "%q is not read here", p.Key)
			d.Hint = fmt.Sprintf("settings stand in [%s.%s.parameters]", c.env, q.command)
		}
	}
	parameters := command.Get("parameters")
	if !parameters.Is(doc.Map) {
		return
	}
	for _, p := range parameters.Pairs {
		if slices.Contains(q.known, p.Key) {
			continue
		}
		d := c.diags.Warnf(p.KeyRange, "config-key", "%q is no option of this command", p.Key)
		if near := diag.Nearest(p.Key, q.known); near != "" {
			d.Hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
}

// setting is the value of the first of the keys that the command's section
// has, else of those of the section for all commands; nil when there is none.
func (c *config) setting(keys ...string) *doc.Node {
	for _, section := range c.sections {
		for _, key := range keys {
			if v := section.Get(key); v != nil && !v.Is(doc.Null) {
				return v
			}
		}
	}
	return nil
}

// fromFile gives options that nothing else sets the values of the
// configuration file.
func fromFile(c *config, options []*option) error {
	for _, o := range options {
		if o.from.kind != byDefault {
			continue
		}
		n := c.setting(o.keys()...)
		if n == nil {
			continue
		}
		o.from = source{kind: fromConfig, at: n.Range}
		if o.value.node != nil {
			if err := o.value.node(n); err != nil {
				return err
			}
			continue
		}
		for _, item := range settingItems(o, n) {
			if !item.IsScalar() {
				return o.invalid(errors.New("it takes " + takes(o) + ", not " + item.Kind.String()))
			}
			if err := o.set(settingText(item)); err != nil {
				return err
			}
		}
	}
	return nil
}

// settingItems are the values for an option that may be given several times,
// which need not be a list when there is one.
func settingItems(o *option, n *doc.Node) []*doc.Node {
	if n.Is(doc.List) && o.value.many {
		return n.Items
	}
	return []*doc.Node{n}
}

func takes(o *option) string {
	switch {
	case o.value.flag:
		return "true or false"
	case o.value.many:
		return "text or a list of texts"
	}
	return "text"
}

// settingText is a setting as it would stand on the command line.
func settingText(n *doc.Node) string {
	if b, ok := n.Value.(bool); ok {
		return fmt.Sprint(b)
	}
	return pythonText(n)
}

func configError(d diag.Diagnostic) error {
	return &app.Problem{Kind: app.InProject, List: diag.List{d}}
}
