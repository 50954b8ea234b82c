package testenv

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// AsOrdinaryUser runs the test program once more with flags, as a user without
// privileges and with folders of its own, and returns what it prints. The test
// is skipped when it is not root's.
func AsOrdinaryUser(t *testing.T, flags ...string) (out []byte, err error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("these tests run as an ordinary user already")
	}
	dir, err := os.MkdirTemp("", "lambkin-user-*") // t.TempDir is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const nobody = 65534
	scratch, program := filepath.Join(dir, "tmp"), filepath.Join(dir, "tests")
	for _, step := range []func() error{
		func() error { return os.Chmod(dir, 0o755) },
		func() error { return os.Mkdir(scratch, 0o700) },
		func() error { return os.Chown(scratch, nobody, nobody) },
		func() error { return copyFile("/proc/self/exe", program) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, append([]string{"-test.v", "-test.timeout=2m"}, flags...)...)
	cmd.Dir, cmd.Env = scratch, []string{"HOME=" + scratch, "TMPDIR=" + scratch, "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd.CombinedOutput()
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
