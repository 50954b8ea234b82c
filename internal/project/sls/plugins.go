package sls

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/diag"
	"github.com/lambkin-dev/lambkin/internal/doc"
)

// The plugins whose work for a local invocation lambkin does itself.
const (
	pluginBundle     = "serverless-bundle"
	pluginDotenv     = "serverless-dotenv-plugin"
	pluginEsbuild    = "serverless-esbuild"
	pluginPython     = "serverless-python-requirements"
	pluginPseudo     = "serverless-pseudo-parameters"
	pluginTypeScript = "serverless-plugin-typescript"
	pluginWebpack    = "serverless-webpack"
)

// emulated are those plugins.
var emulated = []string{pluginBundle, pluginDotenv, pluginEsbuild, pluginPython, pluginPseudo, pluginTypeScript, pluginWebpack}

// bundlers are the plugins that make a Node.js function's code out of its sources.
var bundlers = []string{pluginEsbuild, pluginWebpack, pluginBundle, pluginTypeScript}

// without says what it means that a plugin is not run; "" is nothing: it has no
// part in a local invocation.
var without = map[string]string{
	"@serverless/dashboard-plugin":           "",
	"@serverless/enterprise-plugin":          "",
	"serverless-api-gateway-throttling":      "",
	"serverless-apigateway-service-proxy":    "",
	"serverless-apigw-binary":                "",
	"serverless-appsync-plugin":              "",
	"serverless-associate-waf":               "",
	"serverless-aws-documentation":           "",
	"serverless-better-credentials":          "",
	"serverless-cloudformation-changesets":   "",
	"serverless-deployment-bucket":           "",
	"serverless-domain-manager":              "",
	"serverless-dynamodb":                    "",
	"serverless-dynamodb-local":              "",
	"serverless-export-env":                  "",
	"serverless-export-outputs":              "",
	"serverless-express":                     "",
	"serverless-finch":                       "",
	"serverless-go-plugin":                   "build the functions first",
	"serverless-iam-roles-per-function":      "",
	"serverless-jetpack":                     "",
	"serverless-layers":                      "its layers are not fetched",
	"serverless-lift":                        "${construct:…} needs --var-override",
	"serverless-localstack":                  "endpoints are not redirected",
	"serverless-offline":                     "",
	"serverless-offline-sns":                 "",
	"serverless-offline-sqs":                 "",
	"serverless-openapi-documentation":       "",
	"serverless-plugin-aws-alerts":           "",
	"serverless-plugin-canary-deployments":   "",
	"serverless-plugin-common-excludes":      "",
	"serverless-plugin-datadog":              "handlers are not wrapped",
	"serverless-plugin-ifelse":               "its conditions are not applied",
	"serverless-plugin-include-dependencies": "",
	"serverless-plugin-lambda-dead-letter":   "",
	"serverless-plugin-log-retention":        "",
	"serverless-plugin-optimize":             "",
	"serverless-plugin-reducer":              "",
	"serverless-plugin-split-stacks":         "",
	"serverless-plugin-tracing":              "",
	"serverless-plugin-warmup":               "",
	"serverless-prune-plugin":                "",
	"serverless-prune-versions":              "",
	"serverless-rust":                        "build the function first",
	"serverless-s3-local":                    "",
	"serverless-s3-sync":                     "",
	"serverless-scriptable-plugin":           "its scripts are not run",
	"serverless-spa":                         "",
	"serverless-stack-output":                "",
	"serverless-step-functions":              "",
	"serverless-wsgi":                        "wsgi_handler.py is only there when the plugin has packaged the service",
}

// readPlugins reads which plugins the service has, and says what is not done
// in their place.
func (s *service) readPlugins() {
	top := s.root.Pair("plugins")
	if top == nil {
		return
	}
	list, p := s.deep(top.Value, "plugins")
	if p != nil {
		return // nothing depends on it
	}
	if list.Is(doc.Map) { // {localPath: …, modules: […]}
		list = list.Get("modules")
	}
	if list == nil {
		return
	}
	for _, item := range list.Items {
		if name, ok := item.Str(); ok {
			s.plugins = append(s.plugins, name)
		}
	}
	s.notePlugins(top.KeyRange)
	if s.has(pluginDotenv) {
		s.plugged = s.dotenvPlugin()
	}
}

func (s *service) notePlugins(at diag.Range) {
	var unknown []string
	for _, name := range s.plugins {
		why, known := without[name]
		switch {
		case slices.Contains(emulated, name) || known && why == "":
		case known:
			s.diags.Notef(at, "plugin", "the plugin %q is not run: %s", name, why)
		default:
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		s.diags.Notef(at, "plugins", "plugins that lambkin does not know are not run: %s", quotedList(unknown))
	}
}

func (s *service) has(plugins ...string) bool {
	return slices.ContainsFunc(plugins, func(name string) bool { return slices.Contains(s.plugins, name) })
}

// pseudoParameters replaces #{AWS::Region} and the like in a text, as
// serverless-pseudo-parameters does. What only AWS knows stays.
func (s *service) pseudoParameters(text string, at diag.Range) string {
	if !s.has(pluginPseudo) {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "#{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		value, why := s.pseudo(name, at)
		if !closed || why != "" || !value.IsScalar() {
			b.WriteString("#{")
			text = rest
			continue
		}
		b.WriteString(scalarText(value))
		text = after
	}
}

// pluginVariables are the variables that serverless-dotenv-plugin puts over the
// provider's: those of its files, or of the user's environment where that has them.
func (s *service) pluginVariables() []doc.Pair {
	if !s.has(pluginDotenv) {
		return nil
	}
	include, exclude := s.words("custom.dotenv.include"), s.words("custom.dotenv.exclude")
	var out []doc.Pair
	for _, pair := range s.plugged {
		if include != nil && !slices.Contains(include, pair.Key) || slices.Contains(exclude, pair.Key) {
			continue
		}
		if value, set := s.opts.Env[pair.Key]; set {
			pair.Value = doc.NewString(value, pair.Value.Range)
		}
		out = append(out, pair)
	}
	return out
}

// words are a list of texts in the configuration, nil when there is none.
func (r *resolver) words(path string) []string {
	a, p := r.walk(r.root, "", strings.Split(path, ".")...)
	if p != nil || !a.node.Is(doc.List) {
		return nil
	}
	words := []string{}
	for i, item := range a.node.Items {
		if n, p := r.value(item, fmt.Sprintf("%s.%d", path, i)); p == nil && n.IsScalar() {
			words = append(words, scalarText(n))
		}
	}
	return words
}

// text is a text in the configuration, "" when there is none.
func (r *resolver) text(path string) string {
	a, p := r.walk(r.root, "", strings.Split(path, ".")...)
	if p != nil || !a.node.IsScalar() {
		return ""
	}
	return scalarText(a.node)
}
