package dotnet

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the program around the client
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// clientVersion is the version of Amazon.Lambda.RuntimeSupport that is fetched.
const clientVersion = "1.14.2"

// clientName is what messages call it.
const clientName = "Amazon.Lambda.RuntimeSupport"

// What the client is made a program with: NuGet has it as a library.
var (
	//go:embed host/Program.cs
	programSource []byte
	//go:embed host/lambkin-dotnet.csproj
	projectSource []byte
)

// project is the name of the project and of its assembly.
const project = "lambkin-dotnet"

// patience is how long the SDK may take: on a new machine it sets itself up, too.
const patience = 3 * time.Minute

// client is AWS's client as a program.
type client struct {
	dll     string
	notices []string
}

// framework is the name that builds know a line of .NET under.
func framework(v runtimes.Version) string {
	if v[0] < 5 {
		return "netcoreapp" + v[:2].String()
	}
	return "net" + strconv.Itoa(v[0]) + ".0"
}

// built is where the cache has the program for a framework.
func built(host *runtimes.Host, framework string) string {
	sum := sha256.Sum256(slices.Concat(programSource, projectSource))
	return filepath.Join(host.Cache, "dotnet", clientVersion+"-"+hex.EncodeToString(sum[:4]), framework, project+".dll")
}

// client returns AWS's client for the .NET that the function runs on: what was
// built before, AWS's test tool for Lambda, or what the user's SDK builds now.
func (r Runtime) client(host *runtimes.Host, f *found) (*client, error) {
	sdk, sdkVersion := r.sdk(host, f.installation)
	target := line(f.version)
	if sdk != nil && sdkVersion[0] < target[0] {
		target = line(sdkVersion) // an older client runs on it as well
	}
	if host.Cache != "" {
		if dll := built(host, framework(target)); isFile(dll) {
			return &client{dll: dll}, nil
		}
	}
	if dll := testTool(host.Env, line(f.version)); dll != "" {
		return &client{dll: dll}, nil
	}
	what := clientName + " " + clientVersion
	switch {
	case host.Cache == "":
		return nil, &runtimes.Missing{What: "a cache folder for " + clientName, Hint: "name one in the variable LAMBKIN_CACHE_DIR"}
	case sdk == nil:
		return nil, &runtimes.Missing{What: what, Hint: "lambkin fetches it with the SDK of .NET, and the machine has a runtime only: " + install(line(f.version))}
	}
	dll := built(host, framework(target))
	host.Say(fmt.Sprintf("building %s for %s with the SDK of .NET, which is done once and takes some seconds", what, framework(target)))
	if err := r.build(host, sdk, framework(target), filepath.Dir(dll)); err != nil {
		return nil, err
	}
	return &client{dll: dll, notices: []string{fmt.Sprintf("%s was built and is kept in %s", what, filepath.Dir(dll))}}, nil
}

// sdk returns an installation with an SDK, preferred if it has one, and the
// version of its newest.
func (r Runtime) sdk(host *runtimes.Host, preferred installation) (*installation, runtimes.Version) {
	for _, i := range append([]installation{preferred}, r.installations(host)...) {
		if len(i.sdks) > 0 {
			return &i, i.sdks[0]
		}
	}
	return nil, nil
}

// testTool is the client as AWS's test tool for Lambda has it, of the tool's
// newest version: for the line want or the nearest older one, "" for none.
func testTool(env map[string]string, want runtimes.Version) string {
	const store = ".dotnet/tools/.store/amazon.lambda.testtool/*/amazon.lambda.testtool/*/content/" + clientName + "/net*.0/" + clientName + ".TestTool.dll"
	const depth = 5 // folders between the tool's version and the file
	var files []string
	for _, home := range []string{"$DOTNET_CLI_HOME/", "$HOME/"} {
		files = append(files, runtimes.Folders(home+store, env)...)
	}
	best, bestTool, bestLine := "", runtimes.Version(nil), runtimes.Version(nil)
	for _, file := range files {
		parts := strings.Split(filepath.ToSlash(file), "/")
		tool := runtimes.ParseVersion(parts[len(parts)-depth])
		made := line(runtimes.ParseVersion(strings.TrimPrefix(parts[len(parts)-2], "net")))
		if made == nil || made.Compare(want) > 0 {
			continue
		}
		if c := tool.Compare(bestTool); best == "" || c > 0 || c == 0 && made.Compare(bestLine) > 0 {
			best, bestTool, bestLine = file, tool, made
		}
	}
	return best
}

// build lets the user's SDK publish the program, with the user's own sources of
// packages, and puts it at dir when it is whole: several processes may do so at
// the same time.
func (r Runtime) build(host *runtimes.Host, sdk *installation, framework, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("making the folder of %s: %w", clientName, err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".build-*")
	if err != nil {
		return fmt.Errorf("making a folder for %s: %w", clientName, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }() // what is left is in the cache, where everything may be deleted
	text := strings.NewReplacer("FRAMEWORK", framework, "VERSION", clientVersion).Replace(string(projectSource))
	err = errors.Join(
		os.WriteFile(filepath.Join(tmp, project+".csproj"), []byte(text), 0o644),
		os.WriteFile(filepath.Join(tmp, "Program.cs"), programSource, 0o644))
	if err != nil {
		return fmt.Errorf("building %s: %w", clientName, err)
	}
	out := filepath.Join(tmp, "out")
	if err := r.publish(host, sdk, tmp, out); err != nil {
		return err
	}
	if err := os.Rename(out, dir); err != nil && !isFile(filepath.Join(dir, project+".dll")) {
		return fmt.Errorf("keeping %s: %w", clientName, err)
	}
	return nil
}

// publish runs the SDK.
func (r Runtime) publish(host *runtimes.Host, sdk *installation, dir, out string) error {
	limit := r.limit
	if limit == 0 {
		limit = patience
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// What lies above the cache folder is no part of this project, and no server of the compiler's is to stay behind.
	cmd := exec.CommandContext(ctx, sdk.dotnet, "publish", filepath.Join(dir, project+".csproj"), "-c", "Release", "-o", out, "--nologo", "-v", "quiet",
		"-p:ImportDirectoryBuildProps=false", "-p:ImportDirectoryBuildTargets=false", "-p:ImportDirectoryPackagesProps=false",
		"-p:UseSharedCompilation=false")
	var text bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &text, &text
	cmd.Env = []string{"DOTNET_CLI_TELEMETRY_OPTOUT=1", "DOTNET_NOLOGO=1", "DOTNET_CLI_UI_LANGUAGE=en", "MSBUILDDISABLENODEREUSE=1"}
	for name, value := range host.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("it was not done after %v", limit)
	}
	if err == nil && !isFile(filepath.Join(out, project+".dll")) {
		err = fmt.Errorf("there is no %s.dll", project)
	}
	if err != nil {
		return &runtimes.Missing{
			What: clientName + " " + clientVersion,
			Hint: fmt.Sprintf("%s could not build it (%v%s); when that is mended run this again, or install AWS's test tool, which holds it: dotnet tool install -g Amazon.Lambda.TestTool",
				sdk.dotnet, err, complaint(text.String())),
		}
	}
	return nil
}

// complaint is the first line that speaks of an error, else the last one.
func complaint(output string) string {
	const most = 500
	last := ""
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		last = line
		if strings.Contains(line, "error") {
			break
		}
	}
	if last == "" {
		return ""
	}
	return ": " + last[:min(len(last), most)]
}

// surveyClient says whether the client is there, for `lambkin doctor`.
func (r Runtime) surveyClient(host *runtimes.Host, all []installation) runtimes.Finding {
	f := runtimes.Finding{Name: ".NET's client " + clientName}
	for _, i := range all {
		for _, v := range i.frameworks[netCore] {
			if dll := built(host, framework(line(v))); host.Cache != "" && isFile(dll) {
				f.Version, f.Path = clientVersion, filepath.Dir(dll)
				return f
			}
			if dll := testTool(host.Env, line(v)); dll != "" {
				f.Path = dll
				return f
			}
		}
	}
	f.Hint = "the first class library for .NET builds it with the SDK"
	if !slices.ContainsFunc(all, func(i installation) bool { return len(i.sdks) > 0 }) {
		f.Hint = "lambkin builds it with the SDK of .NET: " + install(versionOf(current[0]))
	}
	return f
}
