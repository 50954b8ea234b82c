package container

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// settings are options, understood.
type settings struct {
	network   string
	hosts     []string
	dns       []string
	env       []string // NAME=value, over those of a start
	volumes   []string // SOURCE:TARGET[:ro]
	published []published
	user      string
	memory    int64 // bytes, 0 for the function's
	nanoCPUs  int64
}

// published is a port that the engine opens on its machine.
type published struct{ address, outside, inside string }

// option is one of `docker run`. All that lambkin knows take a value.
type option struct {
	names []string
	set   func(s *settings, value string) error
}

func options() []option {
	return []option{
		{[]string{"-p", "--publish"}, (*settings).publish},
		{[]string{"-e", "--env"}, (*settings).addEnv},
		{[]string{"-v", "--volume"}, (*settings).addVolume},
		{[]string{"--network", "--net"}, func(s *settings, v string) error { s.network = v; return nil }},
		{[]string{"--add-host"}, (*settings).addHost},
		{[]string{"--dns"}, (*settings).addDNS},
		{[]string{"-m", "--memory"}, (*settings).setMemory},
		{[]string{"--cpus"}, (*settings).setCPUs},
		{[]string{"-u", "--user"}, func(s *settings, v string) error { s.user = v; return nil }},
	}
}

// settings puts the arguments together with the other options.
func (o Options) settings() (settings, error) {
	s := settings{network: o.Network}
	for _, host := range o.Hosts {
		if err := s.addHost(host); err != nil {
			return s, err
		}
	}
	for _, server := range o.DNS {
		if err := s.addDNS(server); err != nil {
			return s, err
		}
	}
	var words []string
	for _, arg := range o.Args {
		words = append(words, strings.Fields(arg)...)
	}
	for len(words) > 0 {
		name, value, has := cut(words[0])
		words = words[1:]
		all := options()
		i := slices.IndexFunc(all, func(o option) bool { return slices.Contains(o.names, name) })
		if i < 0 {
			return s, fmt.Errorf("lambkin does not know %s among the options of docker run; it knows %s", name, known(all))
		}
		if !has && len(words) == 0 {
			return s, fmt.Errorf("%s, an option of docker run, wants a value", name)
		} else if !has {
			value, words = words[0], words[1:]
		}
		if err := all[i].set(&s, value); err != nil {
			return s, err
		}
	}
	return s, nil
}

// cut takes an option's value off: --name=value, -nvalue.
func cut(word string) (name, value string, has bool) {
	if !strings.HasPrefix(word, "-") || strings.HasPrefix(word, "--") || len(word) < 3 {
		return strings.Cut(word, "=")
	}
	return word[:2], strings.TrimPrefix(word[2:], "="), true
}

func known(all []option) string {
	var names []string
	for _, o := range all {
		names = append(names, o.names[len(o.names)-1])
	}
	return strings.Join(names, ", ")
}

// publish takes [[ADDRESS:]PORT:]PORT[/PROTOCOL].
func (s *settings) publish(value string) error {
	ports, protocol, has := strings.Cut(value, "/")
	if !has {
		protocol = "tcp"
	}
	wrong := fmt.Errorf("%q publishes no port: write HOST:CONTAINER, such as 9229:9229", value)
	address := ""
	parts := strings.Split(ports, ":")
	if n := len(parts); n > 2 { // an address of IPv6 has colons of its own
		address, parts = strings.Trim(strings.Join(parts[:n-2], ":"), "[]"), parts[n-2:]
		if _, err := netip.ParseAddr(address); err != nil {
			return wrong
		}
	}
	outside, inside := "", parts[len(parts)-1]
	if len(parts) == 2 {
		outside = parts[0]
	}
	for _, port := range []string{outside, inside} {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil && (port != "" || port == inside) {
			return wrong
		}
	}
	if protocol != "tcp" && protocol != "udp" {
		return wrong
	}
	s.published = append(s.published, published{address: address, outside: outside, inside: inside + "/" + protocol})
	return nil
}

func (s *settings) addEnv(value string) error {
	if name, _, ok := strings.Cut(value, "="); !ok || name == "" {
		return fmt.Errorf("%q sets no variable: write NAME=VALUE", value)
	}
	s.env = append(s.env, value)
	return nil
}

func (s *settings) addVolume(value string) error {
	parts := strings.Split(value, ":")
	if len(parts) > 3 && len(parts[0]) == 1 { // a drive of Windows
		parts = append([]string{parts[0] + ":" + parts[1]}, parts[2:]...)
	}
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || !path.IsAbs(parts[1]) {
		return fmt.Errorf("%q is no volume: write SOURCE:/PATH or SOURCE:/PATH:ro", value)
	}
	s.volumes = append(s.volumes, value)
	return nil
}

func (s *settings) addHost(value string) error {
	name, address, ok := strings.Cut(value, ":")
	if !ok { // Docker takes both
		name, address, ok = strings.Cut(value, "=")
	}
	_, err := netip.ParseAddr(strings.Trim(address, "[]"))
	if !ok || name == "" || err != nil && address != hostGateway {
		return fmt.Errorf("%q names no host: write NAME:ADDRESS, such as database:192.0.2.10", value)
	}
	s.hosts = append(s.hosts, name+":"+strings.Trim(address, "[]"))
	return nil
}

func (s *settings) addDNS(value string) error {
	if _, err := netip.ParseAddr(value); err != nil {
		return fmt.Errorf("%q is no address of a name server: write one such as 192.0.2.53", value)
	}
	s.dns = append(s.dns, value)
	return nil
}

// setMemory takes bytes, or a number with b, k, m or g.
func (s *settings) setMemory(value string) error {
	number, factor := strings.ToLower(value), int64(1)
	for unit, bytes := range map[string]int64{"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, factor = rest, bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 40)
	if err != nil || n <= 0 {
		return fmt.Errorf("%q is no size of memory: write one such as 512m", value)
	}
	s.memory = n * factor
	return nil
}

func (s *settings) setCPUs(value string) error {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || n <= 0 || n > 1024 {
		return fmt.Errorf("%q is no number of processors: write one such as 1.5", value)
	}
	s.nanoCPUs = int64(n * 1e9)
	return nil
}
