package namespace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Folders as processes see them, which are AWS's.
const (
	taskDir    = "/var/task"
	optDir     = "/opt"
	runtimeDir = "/var/runtime"
	tmpDir     = "/tmp"
)

// The user inside, AWS's.
const (
	userID   = 993
	groupID  = 990
	userName = "sbx_user1051"
	hostname = "sandbox"
)

// Where the two file systems are while they are put together, and later for
// those of the holder's threads that stay there.
const (
	oldRoot = "/old"
	newRoot = "/new"
)

// plan says what an environment shows. Folders are the host's, without
// symbolic links.
type plan struct {
	code, runtime string
	tmpMB         int
	layers        []string
	// links are further folders, each behind the path that it is shown at.
	links []string
	// image is the folder that is the file system in the place of the host's
	// programs, "" for those.
	image string
	hosts []string // further lines of /etc/hosts
	alone bool     // the network is the environment's own
}

func (p plan) words() [][]string {
	alone := ""
	if p.alone {
		alone = "alone"
	}
	return [][]string{{p.code, p.runtime, strconv.Itoa(p.tmpMB), p.image, alone}, p.layers, p.links, p.hosts}
}

func planOf(f frame) plan {
	return plan{
		code: f.word(0, 0), runtime: f.word(0, 1), tmpMB: f.number(0, 2), image: f.word(0, 3), alone: f.word(0, 4) != "",
		layers: f.list(1), links: f.list(2), hosts: f.list(3),
	}
}

// system are the folders of the host's programs and libraries.
var system = []string{"/bin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/sbin", "/usr"}

// settings are the parts of /etc that names, time, TLS and installed programs
// need. Private keys are not among them.
var settings = []string{
	"alternatives", "ca-certificates", "crypto-policies", "dotnet", "fonts", "gai.conf", "gemrc", "host.conf",
	"ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "magic", "mime.types", "nsswitch.conf", "os-release", "protocols",
	"pki/ca-trust", "pki/java", "pki/tls/cert.pem", "pki/tls/certs", "pki/tls/openssl.cnf", "services",
	"ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone",
}

// versioned are the first letters of settings of which a machine may have
// several: "java-17-openjdk", "python3".
var versioned = []string{"java", "python"}

var (
	devices     = []string{"null", "zero", "full", "random", "urandom", "tty"}
	deviceLinks = map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
)

const readOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// setUp puts the environment's file system together at newRoot and leaves the
// host's at oldRoot. It ends where both are visible.
func (p plan) setUp() error {
	if err := separate(); err != nil {
		return err
	}
	root := step{"the root", func() error { return tmpfs(newRoot, "mode=755,size=16m") }}
	etc := step{"/etc", p.makeEtc}
	steps := []step{
		{"the system's folders", showSystem},
		{"the bootstraps", func() error { return show(p.runtime, runtimeDir, readOnly) }},
	}
	if p.image != "" {
		root = step{"the image", func() error { return show(p.image, "", readOnly) }}
		etc, steps = step{"/etc", p.coverEtc}, nil
	}
	if err := root.take(); err != nil {
		return err
	}
	// As much work as all the rest, and beside it.
	settings := make(chan error, 1)
	go func() { settings <- etc.take() }()
	var err error
	for _, s := range append(steps, p.steps()...) {
		if err = s.take(); err != nil {
			break
		}
	}
	return errors.Join(err, <-settings)
}

// step is a part of the set-up.
type step struct {
	what string
	do   func() error
}

func (s step) take() error {
	if err := s.do(); err != nil {
		return fmt.Errorf("showing %s: %w", s.what, err)
	}
	return nil
}

// steps are those that an image and the host's programs have in common.
func (p plan) steps() []step {
	return []step{
		{"/dev", p.makeDev},
		{"/proc", makeProc},
		{tmpDir, func() error {
			return tmpfs(newRoot+p.place(tmpDir), fmt.Sprintf("mode=1777,size=%dm", p.tmpMB))
		}},
		{"the code", func() error {
			if p.code == "" {
				return nil
			}
			return show(p.code, p.place(taskDir), readOnly)
		}},
		{"the layers", p.showLayers},
		{"what the code links to", func() error {
			for i := 0; i+1 < len(p.links); i += 2 {
				if err := show(p.links[i+1], p.links[i], readOnly); err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

// place is where a folder is to be mounted: there, or where a link of the image
// leads, which no mount would follow as the image means it.
func (p plan) place(dir string) string {
	if p.image == "" {
		return dir
	}
	root, err := unix.Open(newRoot, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return dir // mounting will fail and say why
	}
	defer unix.Close(root)
	at, err := openIn(root, dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return dir
	}
	defer unix.Close(at)
	name, err := os.Readlink(fmt.Sprintf("%s/proc/self/fd/%d", oldRoot, at))
	if err != nil || !strings.HasPrefix(name, newRoot+"/") {
		return dir
	}
	return strings.TrimPrefix(name, newRoot)
}

// showLayers shows the layers at the opt folder, over what an image has there.
func (p plan) showLayers() error {
	switch {
	case p.image == "":
		return merge(p.layers, optDir)
	case len(p.layers) == 0:
		return nil // what the image has there is seen
	}
	layers := p.layers
	if _, err := os.Stat(oldRoot + p.image + optDir); err == nil {
		layers = append([]string{p.image + optDir}, layers...)
	}
	at := p.place(optDir)
	return p.over(at, func() error { return merge(layers, at) })
}

// separate makes an empty file system the root, with the host's at oldRoot.
func separate() error {
	// What the host mounts or unmounts later arrives here, but not the reverse.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("leaving the host's mounts: %w", err)
	}
	const base = "/proc" // every system has it, and nothing else happens there until it is moved away
	if err := unix.Mount("tmpfs", base, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=1m"); err != nil {
		return fmt.Errorf("mounting a tmpfs: %w", err)
	}
	if err := errors.Join(os.Mkdir(base+oldRoot, 0o755), os.Mkdir(base+newRoot, 0o755), os.Symlink(newRoot+"/proc", base+"/proc")); err != nil {
		return err
	}
	if err := unix.PivotRoot(base, base+oldRoot); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	return os.Chdir("/")
}

func tmpfs(dir, options string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mounting a tmpfs: %w", err)
	}
	return nil
}

// tree opens a file or folder of the host with all that is mounted in it, as a
// mount of its own that is nowhere yet.
func tree(name string, attributes uint64) (fd int, err error) {
	at, err := open(name, unix.O_PATH)
	if err != nil {
		return -1, err
	}
	defer unix.Close(at)
	return cloned(at, name, attributes)
}

// open opens a file of the host, whose links lead to where they lead there.
func open(name string, flags uint64) (fd int, err error) {
	old, err := unix.Open(oldRoot, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(old)
	fd, err = openIn(old, name, flags)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// openIn opens a file whose links lead to where they lead when root is the root.
func openIn(root int, name string, flags uint64) (fd int, err error) {
	how := &unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	// The kernel gives up where something is mounted or renamed meanwhile,
	// anywhere; the bound only stands against the unforeseen.
	for try := range 1000 {
		time.Sleep(time.Duration(try) * time.Microsecond)
		if fd, err = unix.Openat2(root, strings.TrimPrefix(name, "/"), how); !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	return fd, err
}

func cloned(at int, name string, attributes uint64) (fd int, err error) {
	fd, err = unix.OpenTree(at, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("taking %s: %w", name, err)
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attributes}); err != nil {
		return -1, errors.Join(fmt.Errorf("protecting %s: %w", name, err), unix.Close(fd))
	}
	return fd, nil
}

// show mounts the host's file or folder at a path of the environment.
func show(name, at string, attributes uint64) error {
	fd, err := tree(name, attributes)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	at = newRoot + at
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = os.MkdirAll(at, 0o755)
	} else {
		err = touch(at)
	}
	if err != nil {
		return err
	}
	return attach(fd, at)
}

func attach(fd int, at string) error {
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mounting at %s: %w", at, err)
	}
	return nil
}

// touch makes an empty file for something to be mounted on.
func touch(name string) error { return write(name, "") }

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

func showSystem() error {
	for _, name := range system {
		st, err := os.Lstat(filepath.Join(oldRoot, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case st.Mode()&fs.ModeSymlink == 0:
			err = show(name, name, readOnly)
		default:
			err = copyLink(filepath.Join(oldRoot, name), filepath.Join(newRoot, name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func copyLink(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	return os.Symlink(target, to)
}

func (p plan) makeEtc() error {
	const etc = newRoot + "/etc"
	for _, name := range append(others(), settings...) {
		name = "/etc/" + name
		if brought(name) {
			continue
		}
		// A link that leads nowhere on the host does so here.
		if err := show(name, name, readOnly); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	files := map[string]string{
		"passwd": fmt.Sprintf("%s:x:%d:%d::/home/%[1]s:/sbin/nologin\n", userName, userID, groupID),
		"group":  fmt.Sprintf("%s:x:%d:\n", userName, groupID),
		"hosts":  p.hostsFile(),
		// Copies, because the host's are replaced when the network changes.
		"resolv.conf": hostFile("etc/resolv.conf"),
	}
	for name, text := range files {
		if err := write(filepath.Join(etc, name), text); err != nil {
			return err
		}
	}
	return nil
}

// others are the versioned settings that the host has.
func others() (names []string) {
	dir, err := os.Open(oldRoot + "/etc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	all, _ := dir.Readdirnames(-1)
	for _, name := range all {
		if slices.ContainsFunc(versioned, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			names = append(names, name)
		}
	}
	return names
}

// brought reports whether nothing of a setting is left to be mounted: it is not
// there, or has been copied, which takes less time for a small file and for a
// link into the system's folders.
func brought(name string) bool {
	const small = 16 << 10
	st, err := os.Lstat(oldRoot + name)
	if err != nil {
		return true
	}
	switch {
	case st.Mode().IsRegular() && st.Size() <= small:
		text, err := os.ReadFile(oldRoot + name)
		return err == nil && write(newRoot+name, string(text)) == nil
	case st.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(oldRoot + name)
		if err != nil {
			return false
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		return covered(path.Clean(target), system) && os.MkdirAll(path.Dir(newRoot+name), 0o755) == nil && os.Symlink(target, newRoot+name) == nil
	}
	return false
}

// hostsFile is the environment's /etc/hosts: the host's own, where its network
// is shared, the platform's names and the user's.
func (p plan) hostsFile() string {
	text := "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
	if !p.alone {
		text = strings.TrimRight(hostFile("etc/hosts"), "\n") + "\n"
	}
	// Those that come first win.
	return strings.Join(append(slices.Clone(p.hosts), ""), "\n") + text +
		"127.0.0.1 sandbox.localdomain " + hostname + "\n127.0.0.1 host.docker.internal gateway.docker.internal\n"
}

// coverEtc puts over an image's files of names what is true here.
func (p plan) coverEtc() error {
	for name, text := range map[string]string{"hosts": p.hostsFile(), "hostname": hostname + "\n", "resolv.conf": hostFile("etc/resolv.conf")} {
		made := "/etc-" + name
		if err := write(made, text); err != nil {
			return err
		}
		if err := cover(newRoot+"/etc/"+name, made); err != nil {
			return err
		}
	}
	return nil
}

// hostFile is what stands in a file of the host, "" when there is none.
func hostFile(name string) string {
	fd, err := open(name, unix.O_RDONLY)
	if err != nil {
		return ""
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	return string(text)
}

func (p plan) makeDev() error {
	return p.over("/dev", fillDev)
}

// over fills a folder, over what an image has there.
func (p plan) over(dir string, fill func() error) error {
	if p.image == "" {
		return fill()
	}
	if err := tmpfs(newRoot+dir, "mode=755,size=16m"); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, newRoot+dir, 0, &unix.MountAttr{Attr_set: readOnly &^ unix.MOUNT_ATTR_NODEV})
}

func fillDev() error {
	for _, name := range devices {
		err := show("dev/"+name, "/dev/"+name, unix.MOUNT_ATTR_NOSUID)
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && name == "tty") {
			return err
		}
	}
	for name, target := range deviceLinks {
		if err := os.Symlink(target, newRoot+"/dev/"+name); err != nil {
			return err
		}
	}
	return tmpfs(newRoot+"/dev/shm", "mode=1777,size=64m")
}

// In /proc, machine is what changes the machine, and kernel what shows it from
// the inside. Root may do more there without any capability than others may
// with them.
var (
	machine = []string{"acpi", "bus", "fs", "irq", "scsi", "sys", "sysrq-trigger"}
	kernel  = []string{"kcore", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "mtrr", "sched_debug", "timer_list", "vmallocinfo"}
)

// makeProc shows the environment's processes.
func makeProc() error {
	const proc = newRoot + "/proc"
	if err := os.MkdirAll(proc, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting the list of processes: %w", err)
	}
	// A namespace inside this one would give its maker capabilities there, and
	// much of the kernel to try them on.
	if err := os.WriteFile(proc+"/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	for _, name := range machine {
		if err := cover(proc+"/"+name, proc+"/"+name); err != nil {
			return err
		}
	}
	for _, name := range kernel {
		if err := cover(proc+"/"+name, newRoot+"/dev/null"); err != nil {
			return err
		}
	}
	return nil
}

// cover mounts one file or folder of the environment over another that may
// not be there, read-only.
func cover(name, with string) error {
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	at, err := unix.Open(with, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: with, Err: err}
	}
	defer unix.Close(at)
	fd, err := cloned(at, with, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return attach(fd, name)
}

// merge shows folders as one: of what has the same name the last one's, and of
// folders all. The folder itself is a new one, so that more can be shown in it.
func merge(dirs []string, at string) error {
	if err := os.MkdirAll(newRoot+at, 0o755); err != nil {
		return err
	}
	entries := map[string][]string{} // the folders, or the one file, that a name stands for
	isDir := map[string]bool{}
	for _, dir := range dirs {
		list, err := os.ReadDir(oldRoot + dir)
		if err != nil {
			return err
		}
		for _, e := range list {
			name := e.Name()
			if !e.IsDir() || !isDir[name] {
				entries[name] = nil
			}
			isDir[name] = e.IsDir()
			entries[name] = append(entries[name], path.Join(dir, name))
		}
	}
	for name, from := range entries {
		to := path.Join(at, name)
		st, err := os.Lstat(oldRoot + from[0])
		switch {
		case err != nil:
		case len(from) > 1:
			err = merge(from, to)
		case st.Mode()&fs.ModeSymlink != 0:
			err = copyLink(oldRoot+from[0], newRoot+to)
		default:
			err = show(from[0], to, readOnly)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// enter moves the calling thread, and it alone, to where nothing but the
// environment's file system is.
func enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("separating the mounts: %w", err)
	}
	if err := unix.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting the host: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_set: readOnly})
}

// folder opens a folder below the root that fd is, and makes it with those
// above it where they are missing. No link is followed: a function may have
// put it there.
func folder(root int, name string) (fd int, err error) {
	fd, err = unix.Dup(root)
	for _, part := range strings.Split(strings.Trim(name, "/"), "/") {
		if err != nil {
			return -1, err
		}
		err = unix.Mkdirat(fd, part, 0o755)
		if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, unix.EROFS) {
			return -1, errors.Join(&os.PathError{Op: "mkdir", Path: name, Err: err}, unix.Close(fd))
		}
		var next int
		next, err = unix.Openat(fd, part, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			err = &os.PathError{Op: "open", Path: name, Err: err}
		}
		_ = unix.Close(fd)
		fd = next
	}
	return fd, err
}

// covered reports whether a path is in one of the folders, or is one.
func covered(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
	})
}
