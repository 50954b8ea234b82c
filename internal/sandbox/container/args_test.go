package container

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambkin-dev/lambkin/internal/sandbox"
)

func TestArguments(t *testing.T) {
	got, err := Options{
		Network: "replaced", Hosts: []string{"db:192.0.2.1"}, DNS: []string{"192.0.2.2"},
		Args: []string{
			"-p 9229:9229", "--publish=127.0.0.1:80:8080/udp -p 53", "-eA=1", "--env B=x=y", "-v /a:/b:ro", "--volume=c:/d",
			"--network mine", "--add-host six:2001:db8::1 --add-host=gw:host-gateway", "--dns 2001:db8::2", "-m=512m", "--cpus .5", "-u1000",
		},
	}.settings()
	want := settings{
		network: "mine", hosts: []string{"db:192.0.2.1", "six:2001:db8::1", "gw:host-gateway"}, dns: []string{"192.0.2.2", "2001:db8::2"},
		env: []string{"A=1", "B=x=y"}, volumes: []string{"/a:/b:ro", "c:/d"},
		published: []published{{"", "9229", "9229/tcp"}, {"127.0.0.1", "80", "8080/udp"}, {"", "", "53/tcp"}},
		user:      "1000", memory: 512 << 20, nanoCPUs: 5e8,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{}, published{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for arg, want := range map[string]string{
		"--privileged":   "lambkin does not know --privileged among the options of docker run; it knows --publish, --env,",
		"image":          "lambkin does not know image",
		"-p":             "-p, an option of docker run, wants a value",
		"-p x":           `"x" publishes no port`,
		"-p 70000:1":     `"70000:1" publishes no port`,
		"-p 1:2:3:4":     `"1:2:3:4" publishes no port`,
		"-p 1/icmp":      `"1/icmp" publishes no port`,
		"-e A":           `"A" sets no variable`,
		"-v /a":          `"/a" is no volume`,
		"-v /a:b":        `"/a:b" is no volume`,
		"--add-host x":   `"x" names no host`,
		"--add-host x:y": `"x:y" names no host`,
		"--dns x":        `"x" is no address of a name server`,
		"-m 12x":         `"12x" is no size of memory`,
		"-m -1":          `"-1" is no size of memory`,
		"--cpus many":    `"many" is no number of processors`,
	} {
		if err := (Options{Args: []string{arg}}).Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", arg, err, want)
		}
	}
	p, err := Sandbox{Engine: &Engine{}}.plan(specOf("fn"), want, way{program: "/proc/self/exe", gateway: true})
	if err != nil {
		t.Skip(err) // a system without this file
	}
	host := p.config.HostConfig
	if diff := cmp.Diff(map[string][]port{"9229/tcp": {{"", "9229"}}, "8080/udp": {{"127.0.0.1", "80"}}, "53/tcp": {{"", ""}}}, host.PortBindings); diff != "" || len(p.config.ExposedPorts) != 3 {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if !slices.Contains(host.ExtraHosts, "host.docker.internal:host-gateway") || host.NetworkMode != "mine" {
		t.Errorf("the network is %s, the hosts are %v", host.NetworkMode, host.ExtraHosts)
	}
}

func specOf(image string) sandbox.Spec { return sandbox.Spec{Image: &sandbox.Image{ID: image}} }
