package generate

import (
	"cmp"
	"errors"
	"slices"

	"sqs2pg/pkg/contract"
)

// Refusal is a reason for which a contract refuses messages.
type Refusal struct {
	Field   string `json:"field"`
	Rule    string `json:"rule"`
	Count   int    `json:"count"`
	Example string `json:"example"` // the body of the shortest message; it is made up
}

// Refused makes n messages that one contract accepts, and lists why another refuses some of them,
// the most frequent reason first. Half of the messages go to the limits of what the first contract
// accepts. An empty list is no proof: it says that n messages were accepted.
func Refused(from, by *contract.Contract, n int, seed uint64) ([]Refusal, error) {
	ordinary, edges := New(from, seed), New(from, seed+1)
	edges.Edges = true
	found := map[contract.Violation]*Refusal{}
	for i := range n {
		g := ordinary
		if i%2 == 1 {
			g = edges
		}
		m, err := g.Valid()
		if err != nil {
			return nil, err
		}
		_, err = by.DecodeMessage(contract.Message{Body: m.Body, Attributes: m.Attributes})
		violation, isRefused := errors.AsType[*contract.Violation](err)
		if !isRefused {
			continue
		}
		r := found[*violation]
		if r == nil {
			r = &Refusal{Field: violation.Field, Rule: violation.Rule}
			found[*violation] = r
		}
		if r.Count++; r.Example == "" || len(m.Body) < len(r.Example) {
			r.Example = string(m.Body)
		}
	}
	all := []Refusal{}
	for _, r := range found {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Refusal) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Rule, b.Rule))
	})
	return all, nil
}
