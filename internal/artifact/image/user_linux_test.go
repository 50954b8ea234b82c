package image

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestTheOtherKindOfUser runs this package's tests as an ordinary user, when
// the tests are root's: folders that nobody may write to are no hindrance then.
func TestTheOtherKindOfUser(t *testing.T) {
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
	cmd := exec.Command(program, "-test.v", "-test.short", "-test.timeout=2m", "-test.run=TestLayers|TestRefusals|TestContentsAndRemove|TestEviction|TestKilled")
	cmd.Dir, cmd.Env = scratch, []string{"HOME=" + scratch, "TMPDIR=" + scratch, "PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestContentsAndRemove")) {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
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
