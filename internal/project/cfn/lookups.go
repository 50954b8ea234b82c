package cfn

import (
	"math/big"
	"net/netip"
	"strconv"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/doc"
)

// findInMap is Fn::FindInMap, with the DefaultValue that AWS::LanguageExtensions adds.
func findInMap(c call) value {
	args, ok := c.args(3, 4)
	if !ok {
		return c.malformed("a list of a map's name and two keys")
	}
	keys := make([]string, 3)
	var uncertain []problem
	for i := range keys {
		text, v, ok := c.argText(args[i], "a key")
		if !ok {
			return v
		}
		keys[i], uncertain = text, also(uncertain, v.problems...)
	}
	at := c.section("Mappings")
	for i, key := range keys {
		next := at.Get(key)
		if next == nil {
			if len(args) == 4 && args[3].Get("DefaultValue") != nil {
				return c.eval(args[3].Get("DefaultValue")).with(uncertain...)
			}
			return c.notInMap(keys[:i+1], at).with(uncertain...)
		}
		at = next
	}
	return c.eval(at).with(uncertain...)
}

// notInMap says which of the keys is the one that is missing.
func (c call) notInMap(path []string, in *doc.Node) value {
	missing := path[len(path)-1]
	hint := suggestion(missing, in.Keys())
	if len(path) == 1 {
		return c.failHint(hint, "unknown-mapping", "refers to the map %q, which is not in Mappings", missing)
	}
	return c.failHint(hint, "unknown-mapping", "finds no key %q in Mappings.%s", missing, strings.Join(path[:len(path)-1], "."))
}

// importValue is Fn::ImportValue, which takes what another stack exports.
func importValue(c call) value {
	name, v, ok := c.argText(c.arg, "the export's name")
	if !ok {
		return v
	}
	return c.fail("import-value", "needs the export %q of another stack, which only AWS knows", name).with(v.problems...)
}

// zones are the letters of the availability zones of regions that do not have
// exactly a, b and c.
var zones = map[string]string{
	"us-east-1": "abcdef", "us-west-1": "ab", "us-west-2": "abcd",
	"ap-northeast-1": "acd", "ap-northeast-2": "abcd", "ca-central-1": "abd",
	"cn-north-1": "abd",
}

// getAZs is Fn::GetAZs: the region's zones, of which an account on AWS may see others.
func getAZs(c call) value {
	region, v, ok := c.argText(c.arg, "the region")
	if !ok {
		return v
	}
	if region == "" {
		region = c.loading.region
	}
	letters := zones[region]
	if letters == "" {
		letters = "abc"
	}
	out := &doc.Node{Kind: doc.List, Range: c.at}
	for _, letter := range letters {
		out.Items = append(out.Items, doc.NewString(region+string(letter), c.at))
	}
	return known(out).with(v.problems...)
}

// cidr is Fn::Cidr: the first blocks of a network, each with the given number
// of address bits.
func cidr(c call) value {
	args, ok := c.args(2, 3)
	if !ok {
		return c.malformed("a list of an address block, a count and a number of bits")
	}
	block, v, ok := c.argText(args[0], "the address block")
	if !ok {
		return v
	}
	prefix, err := netip.ParsePrefix(strings.TrimSpace(block))
	if err != nil {
		return c.fail("intrinsic-arguments", "needs an address block such as 10.0.0.0/16, not %q", block).with(v.problems...)
	}
	count, failure, ok := c.number(args[1], 1, 256)
	if !ok {
		return failure
	}
	width := prefix.Addr().BitLen()
	bits := 8
	if len(args) == 3 {
		if bits, failure, ok = c.number(args[2], 1, width); !ok {
			return failure
		}
	}
	length := width - bits
	if length < prefix.Bits() || length-prefix.Bits() < 9 && count > 1<<(length-prefix.Bits()) {
		return c.fail("intrinsic-arguments", "cannot cut %d blocks of %d bits from %s", count, bits, prefix)
	}
	return known(c.blocks(prefix.Masked().Addr(), length, count)).with(v.problems...)
}

// number resolves an argument that must be a number between least and most.
func (c call) number(n *doc.Node, least, most int) (int, value, bool) {
	text, v, ok := c.argText(n, "a number")
	if !ok {
		return 0, v, false
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < least || i > most {
		return 0, c.fail("intrinsic-arguments", "needs a number from %d to %d, not %q", least, most, text), false
	}
	return i, value{}, true
}

func (c call) blocks(first netip.Addr, length, count int) *doc.Node {
	out := &doc.Node{Kind: doc.List, Range: c.at}
	at := new(big.Int).SetBytes(first.AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(first.BitLen()-length))
	for range count {
		addr, _ := netip.AddrFromSlice(at.FillBytes(make([]byte, first.BitLen()/8)))
		out.Items = append(out.Items, doc.NewString(netip.PrefixFrom(addr, length).String(), c.at))
		at.Add(at, step)
	}
	return out
}
