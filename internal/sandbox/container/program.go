package container

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// program is the file that agents are, for an engine of an architecture.
func (s Sandbox) program(arch string) (string, error) {
	file := cmp.Or(s.Options.Binary, s.Engine.binary)
	mend := fmt.Sprintf("set %s to the path of a lambkin for linux/%s", BinaryVariable, arch)
	if file == "" {
		if runtime.GOOS != "linux" || runtime.GOARCH != arch {
			return "", unfit(mend, fmt.Errorf("this one is for %s/%s, and the engine's containers are for linux/%s", runtime.GOOS, runtime.GOARCH, arch))
		}
		var err error
		if file, err = os.Executable(); err != nil {
			return "", fmt.Errorf("finding lambkin's own program, which containers run: %w", err)
		}
	}
	if err := fits(file, arch); err != nil {
		return "", unfit(mend, fmt.Errorf("%s: %w", file, err))
	}
	return file, nil
}

func unfit(mend string, err error) error {
	return &sandbox.Unavailable{
		Sandbox: Sandbox{}.Name(), Reason: "process 1 of a container is lambkin's own program, which the engine's cannot run", Hint: mend, Err: err,
	}
}

// fits says why a file is no static program for Linux and the architecture.
func fits(file, arch string) error {
	f, err := elf.Open(file)
	if err != nil {
		if _, format := errors.AsType[*elf.FormatError](err); format || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("it is no program for Linux")
		}
		return err
	}
	defer f.Close()
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	if want, known := machines[arch]; known && f.Machine != want {
		return fmt.Errorf("it is for %v, not for %s", f.Machine, arch)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it needs libraries of this machine: build it with CGO_ENABLED=0")
		}
	}
	return nil
}
