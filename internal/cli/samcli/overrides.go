package samcli

import (
	"fmt"
	"strings"

	"github.com/lambkin-dev/lambkin/internal/cli"
)

// parseOverrides reads what follows --parameter-overrides: `A=1 B="two words"`
// or `ParameterKey=A,ParameterValue=1 …`, in any number of arguments.
func parseOverrides(args []string) (map[string]string, error) {
	out := map[string]string{}
	for _, arg := range args {
		for _, word := range splitWords(arg) {
			key, value, err := parseOverride(word)
			if err != nil {
				return nil, &cli.UsageError{Err: err}
			}
			out[key] = value
		}
	}
	return out, nil
}

func parseOverride(word string) (key, value string, err error) {
	if rest, ok := strings.CutPrefix(word, "ParameterKey="); ok {
		if key, value, ok = strings.Cut(rest, ",ParameterValue="); ok && key != "" {
			return key, value, nil
		}
	} else if key, value, ok = strings.Cut(word, "="); ok && key != "" && value != "" {
		return key, value, nil
	}
	return "", "", fmt.Errorf("Invalid value for '--parameter-overrides': %s is not in valid format. "+
		"It must look something like 'KeyPairName=MyKey InstanceType=t1.micro' or "+
		"'ParameterKey=KeyPairName,ParameterValue=MyKey ParameterKey=InstanceType,ParameterValue=t1.micro'", word)
}

// splitWords splits at blanks outside quotes. Quotes are removed; a backslash
// keeps the blank, quote or backslash behind it.
func splitWords(s string) []string {
	var (
		out   []string
		word  strings.Builder
		quote rune
		begun bool
	)
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case c == '\\' && i+1 < len(runes) && strings.ContainsRune(` "'\`, runes[i+1]):
			i++
			word.WriteRune(runes[i])
			begun = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if begun {
				out = append(out, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if begun {
		out = append(out, word.String())
	}
	return out
}
