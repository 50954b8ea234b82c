package diag

import "strings"

// Nearest returns the candidate that name was probably meant to be, or "" when
// none is close: at most a third of its letters changed, swapped, added or
// dropped, upper and lower case being the same.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", len(name)/3+1
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance of a and b, or limit when
// it is not below limit.
func distance(a, b string, limit int) int {
	ar, br := []rune(a), []rune(b)
	if d := len(ar) - len(br); d >= limit || -d >= limit {
		return limit
	}
	before, prev, cur := make([]int, len(br)+1), make([]int, len(br)+1), make([]int, len(br)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(ar); i++ {
		cur[0] = i
		for j := 1; j <= len(br); j++ {
			cost := 1
			if ar[i-1] == br[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && ar[i-1] == br[j-2] && ar[i-2] == br[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return min(prev[len(br)], limit)
}
