package namespace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

// unavailable says why the machine refuses what an environment needs; an error
// that has other causes stays as it is.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	refused := errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EUSERS) ||
		errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS)
	if !refused {
		return err
	}
	u := &sandbox.Unavailable{Sandbox: "namespace", Err: err}
	switch {
	case errors.Is(err, syscall.ENOSYS):
		u.Reason, u.Hint = "the kernel lacks what they need", "it takes Linux 5.12 or newer, and no emulation of it"
	case setting("user/max_user_namespaces") == "0":
		u.Reason, u.Hint = "user namespaces are switched off", "sudo sysctl -w user.max_user_namespaces=15000"
	case setting("kernel/unprivileged_userns_clone") == "0" && os.Geteuid() != 0:
		u.Reason, u.Hint = "user namespaces are kept for root", "sudo sysctl -w kernel.unprivileged_userns_clone=1"
	case setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
		u.Reason = "AppArmor keeps user namespaces from programs that have no profile for them"
		u.Hint = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give lambkin a profile with userns"
	case strings.Contains(err.Error(), "the list of processes"):
		u.Reason, u.Hint = "parts of /proc are hidden, as in a container", "start the container with --security-opt systempaths=unconfined"
	case filtered():
		u.Reason, u.Hint = "a seccomp filter refuses them, as in a container", "start the container with --security-opt seccomp=unconfined"
	default:
		u.Reason, u.Hint = "the kernel or a policy refuses them", "use --isolation process"
	}
	return u
}

// setting is a kernel setting, "" when there is none of that name.
func setting(name string) string {
	value, err := os.ReadFile(filepath.Join("/proc/sys", name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(value))
}

// filtered reports whether this process runs under a seccomp filter.
func filtered() bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(status), "\nSeccomp:")
	mode, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(mode) == "2"
}

// Check makes an environment and takes it down again. Its error is an
// [*sandbox.Unavailable] when the machine cannot do this.
func (s Sandbox) Check(ctx context.Context) error {
	dir := filepath.Clean(os.TempDir())
	env, err := s.Open(ctx, sandbox.Spec{Code: dir, Runtime: dir, EphemeralMB: 1})
	if err != nil {
		return err
	}
	return errors.Join(env.(*environment).ready(), env.Close())
}
