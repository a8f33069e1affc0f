package deadletter

// Reasons counts the letters that a contract refuses, by reason.
type Reasons map[string]int

// Add counts a letter with that reason. It returns false, and counts nothing, if the contract
// accepts it.
func (r Reasons) Add(reason string) bool {
	if reason == Accepted {
		return false
	}
	r[reason]++
	return true
}

// Total returns the number of letters.
func (r Reasons) Total() (n int) {
	for _, count := range r {
		n += count
	}
	return n
}
