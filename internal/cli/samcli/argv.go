package samcli

import "strings"

// rewrite turns what click takes on the command lines of `local invoke` and
// `local start-lambda` and pflag does not into what both take:
//
//	-ii URI                            --invoke-image URI
//	--parameter-overrides A=1 B=2 F    --parameter-overrides A=1 --parameter-overrides=B=2 F
//	--debug local invoke               local invoke --debug
//
// SAM CLI would take F, too, and then refuse it: any word up to the next
// option is an override there. Here a word that can be none is the function.
func rewrite(args []string) []string {
	command := "invoke"
	before, rest, ok := behindCommand(args, "local", command)
	if !ok {
		command = "start-lambda"
		before, rest, ok = behindCommand(args, "local", command)
	}
	if !ok {
		return args
	}
	out := append([]string{"local", command}, before...)
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		name, _, hasValue := strings.Cut(arg, "=")
		switch {
		case arg == "--":
			return append(out, rest[i:]...)
		case name == "-ii":
			out = append(out, "--invoke-image"+strings.TrimPrefix(arg, "-ii"))
		case name == "--parameter-overrides":
			out = append(out, arg)
			if !hasValue && i+1 < len(rest) {
				i++
				out = append(out, rest[i])
			}
			for i+1 < len(rest) && isOverride(rest[i+1]) {
				i++
				out = append(out, "--parameter-overrides="+rest[i])
			}
		default:
			out = append(out, arg)
		}
	}
	return out
}

func isOverride(word string) bool {
	return !strings.HasPrefix(word, "-") && (strings.Contains(word, "=") || strings.HasPrefix(word, fileScheme))
}

// behindCommand returns what follows the words of a command, and the options
// before and between them, which are options without values.
func behindCommand(args []string, words ...string) (before, behind []string, ok bool) {
	for i, arg := range args {
		switch {
		case strings.HasPrefix(arg, "-"):
			before = append(before, arg)
		case arg != words[0]:
			return nil, nil, false
		case len(words) == 1:
			return before, args[i+1:], true
		default:
			words = words[1:]
		}
	}
	return nil, nil, false
}
