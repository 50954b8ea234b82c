package provided

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/lambda"
	"github.com/lambkin-dev/lambkin/internal/runtimes"
)

// header is the start of a Linux program for a processor.
func header(t *testing.T, machine elf.Machine) string {
	t.Helper()
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT)}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	data, err := binary.Append(nil, binary.LittleEndian, h)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// native and foreign are this machine's processor and another one.
func processors() (native, foreign elf.Machine) {
	if runtime.GOARCH == "arm64" {
		return elf.EM_AARCH64, elf.EM_X86_64
	}
	return elf.EM_X86_64, elf.EM_AARCH64
}

func TestLaunchTakesTheBootstrapThatRuns(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the programs of the test are Linux programs")
	}
	native, foreign := processors()
	tests := []struct {
		name        string
		code, layer string // content of bootstrap, "" for none
		perm        os.FileMode
		want        string // folder of the program
		missing     string // part of the error
		hint        string // part of its hint
	}{
		{"program", header(t, native), "", 0o755, "task", "", ""},
		{"script", "#!/bin/sh\n", "", 0o755, "task", "", ""},
		{"code before layer", "#!/bin/sh\n", "#!/bin/sh\n", 0o755, "task", "", ""},
		{"layer", "", "#!/bin/sh\n", 0o755, "opt", "", ""},
		{"none", "", "", 0o755, "", "the program \"bootstrap\" in ", "go build -o bootstrap ."},
		{"not executable", "#!/bin/sh\n", "", 0o644, "", "an executable program at ", "chmod +x "},
		{"another processor", header(t, foreign), "", 0o755, "", "a bootstrap for " + runtime.GOARCH, "GOOS=linux GOARCH=" + runtime.GOARCH},
		{"text", "hello\n", "", 0o755, "", "neither a Linux program nor a script", "go build"},
		{"script of an interpreter that is missing", "#! /no/such/program -x\n", "", 0o755, "", "/no/such/program, the interpreter", "#!/usr/bin/env sh"},
		{"script with Windows' line ends", "#!/bin/sh\r\n", "", 0o755, "", "ends as Windows' lines do", "sed -i"},
		{"script without an interpreter", "#!\n", "", 0o755, "task", "", ""},
		{"one byte", "#", "", 0o755, "", "neither a Linux program nor a script", "go build"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			paths := runtimes.Paths{Task: filepath.Join(root, "task"), Opt: filepath.Join(root, "opt"), Runtime: "/var/runtime"}
			for dir, text := range map[string]string{paths.Task: tt.code, paths.Opt: tt.layer} {
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(text), tt.perm); err != nil {
					t.Fatal(err)
				}
			}
			launch, err := Runtime{}.Launch(&lambda.Function{Runtime: "provided.al2023"}, paths, &runtimes.Host{})
			if tt.missing != "" {
				var m *runtimes.Missing
				if !errors.As(err, &m) || !strings.Contains(m.What, tt.missing) || !strings.Contains(m.Hint, tt.hint) {
					t.Errorf("error is %+v, want %q with %q", err, tt.missing, tt.hint)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(root, tt.want, "bootstrap"); launch.Path != want {
				t.Errorf("program is %s, want %s", launch.Path, want)
			}
		})
	}
}

func TestLaunchLooksAtTheHostsFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	paths := runtimes.Paths{Task: "/var/task", Opt: "/opt", Runtime: "/var/runtime", HostTask: dir}
	tests := []struct {
		runtime string
		want    []string
	}{
		{"provided.al2", []string{"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin"}},
		{"provided.al2023", []string{
			"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
			"LD_LIBRARY_PATH=/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.runtime, func(t *testing.T) {
			got, err := Runtime{}.Launch(&lambda.Function{Runtime: tt.runtime}, paths, &runtimes.Host{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&runtimes.Launch{Path: "/var/task/bootstrap", Env: tt.want}, got); diff != "" {
				t.Errorf("launch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheHintIsForTheLanguageOfTheSource(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Cargo.toml"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Runtime{}.Launch(&lambda.Function{Runtime: "provided.al2023"}, runtimes.Paths{Task: dir}, &runtimes.Host{})
	var m *runtimes.Missing
	if !errors.As(err, &m) || !strings.Contains(m.Hint, "cargo build --release") {
		t.Errorf("error is %+v", err)
	}
}

func TestGoManagedRuntimeNamesTheWayOut(t *testing.T) {
	_, err := Runtime{}.Launch(&lambda.Function{Runtime: "go1.x"}, runtimes.Paths{Task: t.TempDir()}, &runtimes.Host{})
	var m *runtimes.Missing
	if !errors.As(err, &m) || !strings.Contains(m.Hint, "provided.al2023") {
		t.Errorf("error is %+v", err)
	}
}
