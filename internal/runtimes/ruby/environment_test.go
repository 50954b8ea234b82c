package ruby

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/fsx"
	"github.com/lambkin-dev/lambkin/internal/testenv"
	"github.com/lambkin-dev/lambkin/internal/testenv/rapitest"
)

func TestLoggersWriteAWSLines(t *testing.T) {
	const source = `require 'logger'
require 'logger'
Logger.new($stderr).warn('loading')
def handler(event:, context:)
  log = Logger.new($stdout, progname: 'mine')
  log.debug('deep')
  log.info("two\nlines")
  Logger.new($stdout, level: :error).warn('hidden')
  Logger.new($stdout, formatter: ->(s, *_, m) { "own #{s} #{m}\n" }).info('x')
  Logger.new(nil).info('nowhere')
  file = StringIO.new
  Logger.new(file).info('kept')
  puts 'printed', file.string[/INFO.*/]
  raise 'caught' rescue log.error($!)
end
`
	tests := []struct {
		name       string
		s          setup
		out, start string
		err        string
	}{
		{
			"text",
			setup{},
			"D, [TIME #PID] DEBUG ID -- mine: deep\nI, [TIME #PID]  INFO ID -- mine: two\nlines\nown INFO x\nI, [TIME #PID]  INFO ID -- : nowhere\nprinted\nINFO -- : kept\n",
			"E, [TIME #PID] ERROR ID -- mine: caught (RuntimeError)\n/var/task/app.rb:14:in `handler'\n", "W, [TIME #PID]  WARN  -- : loading\n",
		},
		{
			"a level",
			setup{env: map[string]string{"AWS_LAMBDA_LOG_LEVEL": "INFO"}},
			"I, [TIME #PID]  INFO ID -- mine: two\nlines\nown INFO x\nI, [TIME #PID]  INFO ID -- : nowhere\nprinted\nINFO -- : kept\n", "E, [", "W, [TIME #PID]  WARN  -- : loading\n",
		},
		{
			"JSON",
			setup{env: map[string]string{"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}},
			`{"timestamp":"TIME","level":"INFO","message":"two\nlines","requestId":"ID","logger":"mine"}` + "\nown INFO x\n" +
				`{"timestamp":"TIME","level":"INFO","message":"nowhere","requestId":"ID"}` + "\nprinted\nINFO -- : kept\n",
			`{"timestamp":"TIME","level":"ERROR","message":"caught","requestId":"ID","logger":"mine","errorType":"RuntimeError","errorMessage":"caught","stackTrace":["/var/task/app.rb:14:in ` + "`handler'\"",
			`{"timestamp":"TIME","level":"WARN","message":"loading"}` + "\n",
		},
		{
			"left alone",
			setup{serverless: true},
			"D, [TIME #PID] DEBUG -- mine: deep\nI, [TIME #PID]  INFO -- mine: two\nlines\nown INFO x\nprinted\nINFO -- : kept\n", "E, [", "W, [TIME #PID]  WARN -- : loading\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.s.files = app(source)
			out := run(t, tt.s, rapitest.Event{Body: `{}`})
			got := out.Stdout[:min(len(out.Stdout), len(tt.out))]
			if diff := cmp.Diff(tt.out, got); diff != "" {
				t.Errorf("standard output (-want +got):\n%s%s", diff, out.Stderr)
			}
			if rest := strings.TrimPrefix(out.Stdout, tt.out); !strings.HasPrefix(rest, tt.start) {
				t.Errorf("standard output ends %q, want %q", rest, tt.start)
			}
			if diff := cmp.Diff(tt.err, out.Stderr); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContextTellsWhatAWSTells(t *testing.T) {
	const source = `def handler(event:, context:)
  c = context
  [c.class.name, c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb, c.log_group_name, c.log_stream_name,
   c.invoked_function_arn, c.tenant_id, c.client_context, c.identity, (5001..10_000).cover?(c.get_remaining_time_in_millis),
   c.deadline_ms - Time.now.to_f * 1000 > 5000, ENV['_X_AMZN_TRACE_ID']]
end`
	const known = `["LambdaContext","ID","fn","$LATEST","128","/aws/lambda/fn","stream","` + rapitest.ARN + `",`
	tests := []struct {
		name    string
		headers map[string]string
		want    answer
	}{
		{"plain", nil, answer{response, known + `null,null,null,true,true,"` + rapitest.Trace + `"]`, 0}},
		{"all", map[string]string{
			"Lambda-Runtime-Client-Context":   `{"custom":{"k":"v"}}`,
			"Lambda-Runtime-Cognito-Identity": `{"cognitoIdentityId":"i"}`,
			"Lambda-Runtime-Aws-Tenant-Id":    "blue",
			"Lambkin-Context":                 `{"function_name":"other"}`, // Serverless only
		}, answer{response, known + `"blue",{"custom":{"k":"v"}},{"cognitoIdentityId":"i"},true,true,"` + rapitest.Trace + `"]`, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, setup{files: app(source)}, rapitest.Event{Body: `{}`, Headers: tt.headers})
			if diff := cmp.Diff(tt.want, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s", diff, out.Stderr)
			}
		})
	}
}

func TestBrokenEventsEndTheProcess(t *testing.T) {
	out := run(t, setup{files: app("def handler(**) end")}, rapitest.Event{Body: `nope`})
	if got := summary(t, out); got.Path != initError || !strings.HasPrefix(got.Body, "Init<JSON::ParserError>: ") || got.Exit != 252 {
		t.Errorf("answer is %v", got)
	}
}

// gem makes a gem in a folder of gems; the constant of its file says where it is.
func gem(t *testing.T, dir, name string) {
	t.Helper()
	constant := strings.ToUpper(name)
	testenv.WriteFiles(t, dir, map[string]string{
		"specifications/" + name + "-1.0.gemspec": "Gem::Specification.new do |s|\n  s.name = '" + name + "'\n  s.version = '1.0'\n" +
			"  s.summary = 'x'\n  s.authors = ['x']\n  s.require_paths = ['lib']\n  s.files = ['lib/" + name + ".rb']\nend\n",
		"gems/" + name + "-1.0/lib/" + name + ".rb": constant + " = 'from " + name + "'\n",
	})
}

func TestGemsAreFound(t *testing.T) {
	opt, shell := t.TempDir(), t.TempDir()
	path := filepath.Dir(testenv.Ruby(t))
	gem(t, filepath.Join(opt, "ruby", "gems", "3.3.0"), "layered")
	gem(t, shell, "shelled")
	testenv.WriteFiles(t, opt, map[string]string{"ruby/lib/plain.rb": "PLAIN = 'from the layer'\n"})
	bundledIn := func(source string) map[string]string {
		dir := t.TempDir()
		gem(t, dir, "bundled")
		files := app(source)
		for _, name := range []string{"specifications/bundled-1.0.gemspec", "gems/bundled-1.0/lib/bundled.rb"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			files["vendor/bundle/ruby/3.3.0/"+name] = string(data)
		}
		return files
	}
	const handler = "\ndef handler(**) [defined?(RESULT) ? RESULT : nil, EARLY] end\n"
	const early = "EARLY = !defined?(Gem).nil?\n"
	tests := []struct {
		name string
		s    setup
		want string
	}{
		{"none", setup{files: app(early + handler)}, `[null,false]`},
		{"of the code", setup{files: bundledIn(early + "require 'bundled'\nRESULT = BUNDLED" + handler)}, `["from bundled",true]`},
		{"of a layer", setup{opt: opt, files: app(early + "require 'layered'\nrequire 'plain'\nRESULT = [LAYERED, PLAIN]" + handler)}, `[["from layered","from the layer"],true]`},
		{"of the shell", setup{shell: map[string]string{"GEM_HOME": shell}, ruby: path, files: app(early + "require 'shelled'\nRESULT = SHELLED" + handler)}, `["from shelled",false]`},
		{"by the method", setup{shell: map[string]string{"GEM_PATH": shell}, ruby: path, files: app(early + "gem 'shelled', '~> 1.0'\nRESULT = require('shelled')" + handler)}, `[true,false]`},
		{"of Ruby's own", setup{files: app(early + "require 'minitest'\nRESULT = [Minitest::VERSION, Gem.loaded_specs.key?('minitest')].last" + handler)}, `[true,false]`},
		{"the module", setup{files: app(early + "RESULT = Gem::Version.new('1.2') > Gem::Version.new('1.1')" + handler)}, `[true,false]`},
		{"required", setup{files: app(early + "RESULT = [require('rubygems'), defined?(Gem::VERSION)].last" + handler)}, `["constant",false]`},
		{"Bundler", setup{files: app(early + "require 'bundler'\nRESULT = Bundler.respond_to?(:setup)" + handler)}, `[true,false]`},
		{"Bundler's setting up", setup{files: func() map[string]string {
			files := app(early + "require 'bundler/setup'\nrequire 'rake'\nRESULT = Rake.name" + handler)
			files["Gemfile"] = "gem 'rake'\n"
			return files
		}()}, `["Rake",false]`},
		{"Serverless", setup{serverless: true, shell: map[string]string{"GEM_PATH": shell}, ruby: path, files: app(early + "require 'shelled'\nRESULT = SHELLED" + handler)}, `["from shelled",false]`},
		{"Serverless, of a layer", setup{serverless: true, opt: opt, files: app(early + "require 'layered'\nrequire 'plain'\nRESULT = [LAYERED, PLAIN]" + handler)}, `[["from layered","from the layer"],true]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := run(t, tt.s, rapitest.Event{Body: `{}`})
			if diff := cmp.Diff(answer{response, tt.want, 0}, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s%s", diff, out.Stdout, out.Stderr)
			}
			if out.Stderr != "" {
				t.Errorf("standard error: %s", out.Stderr)
			}
		})
	}
}

func TestTracesAreTheFunctions(t *testing.T) {
	out := run(t, setup{files: app("def handler(**)\n  require 'no/such/thing'\nend")}, rapitest.Event{Body: `{}`})
	got := summary(t, out)
	if strings.Contains(got.Body, "/var/runtime") || !strings.HasSuffix(got.Body, "\n/var/task/app.rb:2:in `handler'") || got.Exit != 255 {
		t.Errorf("answer is %v", got)
	}
}

func TestWhatAWSHasLoadedNeedsNoRequire(t *testing.T) {
	for _, source := range []string{
		"Net::HTTP::Get.name == 'Net::HTTP::Get'", "URI('http://x.example/a').path == '/a'", "Logger::INFO == 1", "Timeout.timeout(9) { true }",
		"StringIO.new('a').read == 'a'", "Zlib.crc32('') == 0", "OpenSSL::Digest.new('SHA256').name == 'SHA256'", "JSON.parse('[true]')[0]",
		"Inner.new.call",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(source, "URI(") {
				source = "URI.scheme_list && " + source // on AWS net/http has loaded it
			}
			code := "module Outer; class Inner; def call; Net::HTTP && true end end end\nInner = Outer::Inner\ndef handler(**) " + source + " end"
			out := run(t, setup{files: app(code)}, rapitest.Event{Body: `{}`})
			if diff := cmp.Diff(answer{response, "true", 0}, summary(t, out)); diff != "" {
				t.Errorf("answer (-want +got):\n%s%s", diff, out.Stderr)
			}
		})
	}
}

func TestEnvironmentIsAWSs(t *testing.T) {
	const source = `def handler(**)
  [ENV.keys.grep(/LAMBKIN/), ENV['GREETING'] + 'ü', ENV['GREETING'].encoding, Encoding.default_external, Encoding.default_internal,
   $stdout.sync, $LOAD_PATH.index(__dir__) < $LOAD_PATH.index(RbConfig::CONFIG['rubylibdir']), Dir.pwd == __dir__]
end`
	for _, serverless := range []bool{false, true} {
		out := run(t, setup{files: app(source), serverless: serverless, env: map[string]string{"GREETING": "grüß"}}, rapitest.Event{Body: `{}`})
		if diff := cmp.Diff(answer{response, `[[],"grüßü","UTF-8","UTF-8",null,true,true,true]`, 0}, summary(t, out)); diff != "" {
			t.Errorf("Serverless %v: answer (-want +got):\n%s%s", serverless, diff, out.Stderr)
		}
	}
}

// A process that waits for an event ends in good order when it is told to.
func TestATermSignalEndsAnIdleProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals")
	}
	testenv.Leaks(t)
	ruby := testenv.Ruby(t)
	dir, err := fsx.Materialize(Files(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	task := t.TempDir()
	testenv.WriteFiles(t, task, app("at_exit { puts 'bye' }\ndef handler(**) end"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	cmd := exec.CommandContext(t.Context(), ruby, "--disable-gems", filepath.Join(dir, "ruby", "main.rb"))
	cmd.Dir = task
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "_HANDLER=app.handler", "LAMBDA_TASK_ROOT=" + task}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || out.String() != "bye\n" {
		t.Errorf("the process ended with %v, output %q", err, out.String())
	}
}
