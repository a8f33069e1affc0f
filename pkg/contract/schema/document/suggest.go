package document

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest returns the end of an error about a misspelt word: it names the candidate that the word
// most likely means, or says to remove the word.
func Suggest(word string, candidates []string) string {
	best, bestDistance := "", 2+len(word)/3
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if n := distance(strings.ToLower(word), strings.ToLower(candidate)); n < bestDistance {
			best, bestDistance = candidate, n
		}
	}
	if best == "" {
		return ": remove it"
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
