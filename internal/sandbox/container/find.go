package container

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// BinaryVariable names the environment variable with the path of a lambkin for
// Linux, for machines whose own is for another system or architecture.
const BinaryVariable = "LAMBKIN_LINUX_BINARY"

// patience is how long an engine may take to say that it is there.
const patience = 10 * time.Second

// Find finds the machine's container engine: the one that DOCKER_HOST names,
// or the context of DOCKER_CONTEXT or of Docker's configuration, or else the
// first that answers at a usual place. It asks the engine for its version. env
// is the user's environment. Its error is for the user: what was tried, and
// how to mend it.
func Find(ctx context.Context, env map[string]string) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	e, err := find(ctx, env)
	if err != nil {
		return nil, err
	}
	e.binary = env[BinaryVariable]
	return e, nil
}

func find(ctx context.Context, env map[string]string) (*Engine, error) {
	named, err := chosen(env)
	if err != nil {
		return nil, err
	}
	if named.host != "" {
		e, err := connect(named)
		if err == nil {
			_, err = e.know(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w%s", named.by, err, mend(err))
		}
		return e, nil
	}
	var tried []string
	for _, socket := range sockets(env) {
		if _, err := os.Stat(socket); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		e, err := connect(endpoint{host: "unix://" + socket})
		if err == nil {
			_, err = e.know(ctx)
		}
		if err == nil {
			return e, nil
		}
		tried = append(tried, err.Error()+mend(err))
	}
	if len(tried) > 0 {
		return nil, errors.New(strings.Join(tried, "; "))
	}
	return nil, fmt.Errorf("found no container engine: DOCKER_HOST names none, Docker has no context, and there is none of %s; start Docker, Podman (podman system service), Finch, Colima or Rancher Desktop, or set DOCKER_HOST",
		strings.Join(sockets(env), ", "))
}

// mend is what to do about an engine that cannot be reached.
func mend(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "; you may not open its socket: add yourself to its group (sudo usermod -aG docker $USER, then log in again), or use a rootless engine; where SELinux refuses, its log says so"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return "; it does not run: start it (sudo systemctl start docker, podman system service, colima start, or the desktop application)"
	}
	return ""
}

// endpoint is an engine's address.
type endpoint struct {
	host  string // as DOCKER_HOST has it, "" for none
	by    string // who says so
	certs string // folder with ca.pem, cert.pem and key.pem, "" for none
	tls   bool
	// verify is whether the engine's certificate is checked.
	verify bool
}

// chosen is the endpoint that the user has named.
func chosen(env map[string]string) (endpoint, error) {
	if host := env["DOCKER_HOST"]; host != "" {
		verify := env["DOCKER_TLS_VERIFY"] != ""
		certs := env["DOCKER_CERT_PATH"]
		if certs == "" && verify {
			certs = dockerDir(env)
		}
		return endpoint{host: host, by: "DOCKER_HOST", certs: certs, tls: verify || env["DOCKER_TLS"] != "", verify: verify}, nil
	}
	name, by := env["DOCKER_CONTEXT"], "DOCKER_CONTEXT"
	if name == "" {
		by = filepath.Join(dockerDir(env), "config.json")
		var settings struct{ CurrentContext string }
		data, err := os.ReadFile(by)
		if errors.Is(err, fs.ErrNotExist) {
			return endpoint{}, nil
		} else if err == nil {
			err = json.Unmarshal(data, &settings)
		}
		if err != nil {
			return endpoint{}, fmt.Errorf("reading Docker's configuration %s: %w", by, err)
		}
		name = settings.CurrentContext
	}
	if name == "" || name == "default" {
		return endpoint{}, nil
	}
	return dockerContext(env, name, by)
}

// dockerContext reads a context: the folder has the sum of its name.
func dockerContext(env map[string]string, name, by string) (endpoint, error) {
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	file := filepath.Join(dockerDir(env), "contexts", "meta", id, "meta.json")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return endpoint{}, fmt.Errorf("%s names the context %q, which does not exist: see docker context ls", by, name)
	} else if err != nil {
		return endpoint{}, fmt.Errorf("reading the context %q: %w", name, err)
	}
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	if err := json.Unmarshal(data, &meta); err != nil {
		return endpoint{}, fmt.Errorf("reading the context %q in %s: %w", name, file, err)
	}
	docker := meta.Endpoints["docker"]
	if docker.Host == "" {
		return endpoint{}, fmt.Errorf("the context %q has no address for docker: %s", name, file)
	}
	e := endpoint{host: docker.Host, by: fmt.Sprintf("the context %q", name), verify: !docker.SkipTLSVerify}
	if certs := filepath.Join(dockerDir(env), "contexts", "tls", id, "docker"); isDir(certs) {
		e.certs, e.tls = certs, true
	}
	return e, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// dockerDir is the folder of Docker's configuration.
func dockerDir(env map[string]string) string {
	return cmp.Or(env["DOCKER_CONFIG"], filepath.Join(home(env), ".docker"))
}

func home(env map[string]string) string { return cmp.Or(env["HOME"], env["USERPROFILE"]) }

// sockets are the usual places.
func sockets(env map[string]string) []string {
	list := []string{"/var/run/docker.sock"}
	run := env["XDG_RUNTIME_DIR"]
	if run != "" {
		list = append(list, filepath.Join(run, "docker.sock"), filepath.Join(run, "podman", "podman.sock"))
	}
	list = append(list, "/run/podman/podman.sock")
	if dir := home(env); dir != "" {
		for _, name := range []string{
			".docker/run/docker.sock", ".docker/desktop/docker.sock", ".colima/default/docker.sock", ".rd/docker.sock", ".finch/finch.sock",
			".local/share/containers/podman/machine/podman.sock",
		} {
			list = append(list, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	return append(list, "/run/finch.sock", "/Applications/Finch/lima/data/finch/sock/finch.sock")
}

// connect makes an engine of an address, without asking it anything.
func connect(at endpoint) (*Engine, error) {
	address, err := url.Parse(at.host)
	if err != nil || address.Scheme == "" {
		return nil, fmt.Errorf("%q is no address of a container engine: write unix:///path, tcp://host:port or ssh://user@host", at.host)
	}
	var dialer net.Dialer
	switch address.Scheme {
	case "unix":
		path := filepath.FromSlash(address.Path)
		return newEngine(at.host, "http", "localhost", false, func(ctx context.Context) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}), nil
	case "tcp", "http", "https":
		if !at.tls && address.Scheme != "https" {
			where := withPort(address.Host, "2375")
			return newEngine(at.host, "http", where, false, func(ctx context.Context) (net.Conn, error) {
				return dialer.DialContext(ctx, "tcp", where)
			}), nil
		}
		where := withPort(address.Host, "2376")
		settings, err := at.certificates()
		if err != nil {
			return nil, err
		}
		secure := tls.Dialer{Config: settings}
		return newEngine(at.host, "https", where, false, func(ctx context.Context) (net.Conn, error) {
			return secure.DialContext(ctx, "tcp", where)
		}), nil
	case "ssh":
		args, err := sshArguments(address)
		if err != nil {
			return nil, err
		}
		return newEngine(at.host, "http", "localhost", true, func(ctx context.Context) (net.Conn, error) { return dialSSH(ctx, args) }), nil
	case "npipe":
		return nil, fmt.Errorf("lambkin does not open Windows' named pipes (%s): have the engine listen on TCP (Docker Desktop: Settings, General, Expose daemon on tcp://localhost:2375) and set DOCKER_HOST=tcp://localhost:2375, or run lambkin in WSL", at.host)
	}
	return nil, fmt.Errorf("lambkin does not know the kind of address %q: use unix://, tcp:// or ssh://", at.host)
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// certificates are the settings of a connection over TLS.
func (at endpoint) certificates() (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !at.verify}
	if at.certs == "" {
		return settings, nil
	}
	ca, err := os.ReadFile(filepath.Join(at.certs, "ca.pem"))
	if err == nil {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("%s holds no certificate", filepath.Join(at.certs, "ca.pem"))
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the container engine's certificate: %w", err)
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(at.certs, "cert.pem"), filepath.Join(at.certs, "key.pem"))
	if err == nil {
		settings.Certificates = []tls.Certificate{own}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the certificate for the container engine: %w", err)
	}
	return settings, nil
}

// sshArguments are those of ssh that reach the engine there.
func sshArguments(address *url.URL) ([]string, error) {
	// ssh takes what begins with a dash for an option.
	host, user := address.Hostname(), address.User.Username()
	if host == "" || strings.HasPrefix(host, "-") || strings.HasPrefix(user, "-") {
		return nil, fmt.Errorf("%q names no machine: write ssh://user@host", address.Redacted())
	}
	if _, has := address.User.Password(); has {
		return nil, fmt.Errorf("%q has a password, which ssh does not take: use a key", address.Redacted())
	}
	args := []string{"-o", "ConnectTimeout=30", "-T"}
	if user != "" {
		args = append(args, "-l", user)
	}
	if port := address.Port(); port != "" {
		args = append(args, "-p", port)
	}
	args = append(args, "--", host, "docker")
	if address.Path != "" && address.Path != "/" {
		args = append(args, "--host", "unix://"+address.Path)
	}
	return append(args, "system", "dial-stdio"), nil
}

// dialSSH reaches an engine through ssh, as Docker's own client does.
func dialSSH(ctx context.Context, args []string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cmd := exec.Command("ssh", args...) // it lives as long as the connection
	inside, theirs := net.Pipe()
	ours := &sshConn{Conn: inside, ended: make(chan struct{})}
	cmd.Stderr = &ours.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_, _ = io.Copy(in, theirs) // ends with the connection
		_ = in.Close()
		_ = cmd.Process.Kill()
	}()
	go func() {
		_, _ = io.Copy(theirs, out)
		_ = cmd.Wait()
		close(ours.ended)
		_ = theirs.Close()
	}()
	return ours, nil
}

// sshConn is a connection through ssh, which says on its standard error why it
// has ended.
type sshConn struct {
	net.Conn
	said  bytes.Buffer
	ended chan struct{} // closed when nothing more is said
}

func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.why(err)
}

func (c *sshConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.why(err)
}

// why is what ssh has said where err is the end of the connection.
func (c *sshConn) why(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	<-c.ended
	if text := strings.TrimSpace(c.said.String()); text != "" {
		return fmt.Errorf("ssh: %s", text)
	}
	return err
}

// upgrade sends a request over a connection and reads the head of its answer.
// What follows is read from in.
func upgrade(conn net.Conn, req *http.Request) (in io.Reader, err error) {
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(conn, 64<<10)
	res, err := http.ReadResponse(buffered, req)
	if err != nil {
		return nil, err
	}
	// An old engine answers 200, and means the same.
	if res.StatusCode != http.StatusSwitchingProtocols && res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		return nil, refusal(res)
	}
	return buffered, nil
}
