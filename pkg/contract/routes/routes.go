// Package routes decides which contract a message belongs to, where one queue carries events of
// several.
//
// A message goes to the first contract whose x-match matches. A contract without x-match takes
// every message that comes to it, so it is the last one.
package routes

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/origin"
	"sqs2pg/pkg/contract/violation"
	"sqs2pg/pkg/message/envelope"
	"sqs2pg/pkg/pattern"
)

// Set is one or more contracts. It is immutable and safe for concurrent use.
type Set struct {
	contracts []*contract.Contract
	origins   []*origin.Origin
	views     []view
	viewOf    []int // the view of each contract, by its index
}

// view is what contracts with the same wrappers ask of a message.
type view struct {
	chain envelope.Chain
	asks  pattern.Selection
}

// New makes a set of contracts in the order in which they are asked. The error says which contracts
// cannot be beside each other.
func New(contracts ...*contract.Contract) (*Set, error) {
	s := &Set{contracts: contracts}
	var errs []error
	if len(contracts) == 0 {
		errs = append(errs, errors.New("no contract"))
	}
	for i, c := range contracts {
		o := c.Origin()
		s.origins = append(s.origins, o)
		s.add(o)
		if o.Match == nil && i < len(contracts)-1 {
			errs = append(errs, fmt.Errorf("%s has no x-match and takes every message, so %s gets none: add x-match, or name it last", c.Name(), contracts[i+1].Name()))
		}
		for _, before := range contracts[:i] {
			switch {
			case before.Name() == c.Name():
				errs = append(errs, fmt.Errorf("two contracts are named %s: name each once", c.Name()))
			case before.Table().FullName() == c.Table().FullName():
				errs = append(errs, sameTable(before, c))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

func sameTable(a, b *contract.Contract) error {
	return fmt.Errorf("%s and %s fill the same table %s: give one another x-table, or make one contract of them", a.Source(), b.Source(), b.Table().FullName())
}

// CheckTables returns an error if two contracts, which may be those of several functions, fill the
// same table. The same contract may be there twice.
func CheckTables(contracts []*contract.Contract) error {
	for i, c := range contracts {
		for _, before := range contracts[:i] {
			if before.Source() != c.Source() && before.Table().FullName() == c.Table().FullName() {
				return sameTable(before, c)
			}
		}
	}
	return nil
}

// add adds what a contract asks of a message.
func (s *Set) add(o *origin.Origin) {
	i := slices.IndexFunc(s.views, func(v view) bool { return slices.Equal(v.chain, o.Envelope) })
	if i < 0 {
		i = len(s.views)
		s.views = append(s.views, view{chain: o.Envelope})
	}
	if o.Match != nil {
		s.views[i].asks.Add(o.Match)
	}
	s.viewOf = append(s.viewOf, i)
}

// Contracts are the contracts in their order. They must not be changed.
func (s *Set) Contracts() []*contract.Contract { return s.contracts }

// Tables are the tables of the contracts, in the same order.
func (s *Set) Tables() []contract.Table { return Tables(s.contracts) }

// Tables are the tables of contracts, in the same order.
func Tables(contracts []*contract.Contract) (tables []contract.Table) {
	for _, c := range contracts {
		tables = append(tables, c.Table())
	}
	return tables
}

// Choose returns the index of the contract that a message belongs to, or -1. It reads no more of
// the message than the patterns ask about. The scratch space is for one message at a time.
func (s *Set) Choose(m envelope.Message, scratch *Scratch) int {
	if len(s.contracts) == 1 && s.origins[0].Match == nil {
		return 0
	}
	if len(scratch.seen) != len(s.views) {
		scratch.seen = make([]seen, len(s.views))
	}
	for i := range scratch.seen {
		scratch.seen[i].read = false
	}
	for i, o := range s.origins {
		if o.Match == nil {
			return i
		}
		v := &scratch.seen[s.viewOf[i]]
		if !v.read {
			s.views[s.viewOf[i]].look(m, scratch, v)
		}
		if v.opened && o.Match.Match(v.view) {
			return i
		}
	}
	return -1
}

// Scratch is space that Choose uses again for the next message. It is for one set.
type Scratch struct {
	seen  []seen
	event []byte
}

// seen is a message as patterns see it.
type seen struct {
	read, opened bool
	body         pattern.Tree
	attributes   map[string]any
	view         pattern.View
}

// look opens the wrappers of a message and reads what the patterns ask about.
func (v *view) look(m envelope.Message, scratch *Scratch, to *seen) {
	to.read, to.opened = true, false
	var wrapper pattern.Tree
	for i := range v.chain {
		wrapper = wrapper.Join(v.asks.Envelope.Read(m.Body, pattern.Tree{}))
		own := m.Attributes
		_, event, refused := v.chain[i:i+1].Open(&m, scratch.event)
		scratch.event = event
		if refused != nil {
			return
		}
		if i > 0 {
			m.Attributes = own // an event of EventBridge in a notification has those of the notification
		}
	}
	to.opened = true
	clear(to.attributes)
	for name := range v.asks.Attributes {
		if value := m.Attribute(name); value != "" {
			if to.attributes == nil {
				to.attributes = map[string]any{}
			}
			to.attributes[name] = value
		}
	}
	to.body = v.asks.Body.Read(m.Body, to.body)
	to.view.Set(to.body, wrapper, to.attributes)
}

// Decode checks a message against the contract that it belongs to. The contract is nil if it belongs
// to none. Every error is a *contract.Violation.
func (s *Set) Decode(m envelope.Message) (*contract.Contract, contract.Record, error) {
	i := s.Choose(m, new(Scratch))
	if i < 0 {
		return nil, contract.Record{}, s.Unmatched(m)
	}
	record, err := s.contracts[i].DecodeMessage(m)
	return s.contracts[i], record, err
}

// Unmatched says why a message belongs to no contract: it is not JSON, or something that AWS makes
// in place of an event, or in a wrapper that no contract opens, or no x-match matches it.
func (s *Set) Unmatched(m envelope.Message) *contract.Violation {
	if !jsontext.Value(m.Body).IsValid() {
		return &contract.Violation{Rule: violation.JSON, Malformed: true}
	}
	rule, kind := envelope.Guess(m.Body)
	opens := func(v view) bool { return len(v.chain) > 0 && v.chain[0] == kind }
	if rule == "" || kind != "" && slices.ContainsFunc(s.views, opens) {
		return &contract.Violation{Rule: violation.Match}
	}
	return &contract.Violation{Rule: rule, Hint: envelope.Explain(rule, nil, kind, nil)}
}
