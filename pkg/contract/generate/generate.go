// Package generate makes messages of any contract: valid ones, and ones that the contract refuses.
// People send them to try a contract, and tests compare contracts by them.
//
// It reads the document of the contract as it is written, chooses values by its keywords, and asks
// the contract about each message. What it cannot reach by keywords, such as a value that not
// forbids, it reaches by trying again.
package generate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract"
)

// ErrNone means that no message was found, though many were tried.
var ErrNone = errors.New("no message was found")

const attempts = 300 // for one message

// Generator makes messages of one contract. The same seed and Now give the same messages. It is not
// safe for concurrent use.
type Generator struct {
	// Now is when messages were sent at the latest: a table takes no event from long ago. New sets
	// it.
	Now time.Time

	// Edges makes more messages at the limits of what the contract accepts: shortest and longest
	// strings, characters of several bytes, and members that it does not declare.
	Edges bool

	contract *contract.Contract
	root     object
	r        *rand.Rand
}

type object = map[string]any

// New returns a generator of messages.
func New(c *contract.Contract, seed uint64) *Generator {
	g := &Generator{Now: time.Now(), contract: c, r: rand.New(rand.NewPCG(seed, 0))}
	d := json.NewDecoder(bytes.NewReader(c.Document()))
	d.UseNumber()
	_ = d.Decode(&g.root) // a contract has been read before
	return g
}

// Valid returns a message that the contract accepts. Its error is ErrNone: the contract may accept
// no message, or asks for values that this package does not find.
func (g *Generator) Valid() (Message, error) {
	for range attempts {
		if e := g.event(); g.refusal(e.message(g)) == nil {
			return e.message(g), nil
		}
	}
	return Message{}, fmt.Errorf("%w that the contract %s accepts: send messages of your own, from a file", ErrNone, g.contract.Name())
}

// Invalid returns a message that the contract refuses, and why. It is a valid message in which one
// thing was changed.
func (g *Generator) Invalid() (Message, *contract.Violation, error) {
	for range attempts {
		e := g.event()
		if g.refusal(e.message(g)) != nil {
			continue
		}
		m := g.broken(e)
		if violation := g.refusal(m); violation != nil {
			return m, violation, nil
		}
	}
	return Message{}, nil, fmt.Errorf("%w that the contract %s refuses: send messages of your own, from a file", ErrNone, g.contract.Name())
}

// Messages makes n messages of the contracts in turn. Of every hundred of a contract, it refuses bad,
// 0 <= bad <= 100; they are spread evenly. It stops at the first error.
func Messages(contracts []*contract.Contract, n int, bad float64, seed uint64) iter.Seq2[Message, error] {
	var generators []*Generator
	for i, c := range contracts {
		generators = append(generators, New(c, seed+uint64(i)))
	}
	isBad := func(i int) bool { return int(float64(i+1)*bad/100) > int(float64(i)*bad/100) }
	return func(yield func(Message, error) bool) {
		for i := range n {
			g := generators[i%len(generators)]
			m, err := Message{}, error(nil)
			if isBad(i / len(generators)) {
				m, _, err = g.Invalid()
			} else {
				m, err = g.Valid()
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func (g *Generator) refusal(m Message) *contract.Violation {
	_, err := g.contract.DecodeMessage(contract.Message{Body: m.Body, Attributes: m.Attributes})
	violation, _ := errors.AsType[*contract.Violation](err)
	return violation
}

func encode(value any) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // values of JSON
	return bytes.TrimSuffix(body.Bytes(), []byte("\n"))
}

// chance is true once in n times.
func (g *Generator) chance(n int) bool { return g.r.IntN(n) == 0 }

// atEdge is true once in a while, and often with Edges.
func (g *Generator) atEdge() bool {
	if g.Edges {
		return g.chance(3)
	}
	return g.chance(32)
}

func pick[T any](g *Generator, list []T) T { return list[g.r.IntN(len(list))] }

// resolve returns the schema that $ref or $dynamicRef names, nil if it is not found.
func (g *Generator) resolve(reference string) any {
	_, fragment, _ := strings.Cut(reference, "#")
	if !strings.HasPrefix(fragment, "/") && fragment != "" {
		return anchored(g.root, fragment)
	}
	var value any = g.root
	for token := range jsontext.Pointer(unescape(fragment)).Tokens() {
		value = child(value, token)
	}
	return value
}
