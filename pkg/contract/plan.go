package contract

import (
	"math/big"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sqs2pg/pkg/mask"
)

// kind is what a property's value must be in JSON.
type kind uint8

const (
	kindString kind = iota
	kindInteger
	kindNumber
	kindBoolean
	kindJSON   // an array, or an object that declares no properties: one jsonb column
	kindObject // an object whose properties are columns
)

// object is a declared object: the root, or one whose properties become columns.
type object struct {
	path       string      // "" for the root, else it ends in a dot
	properties []*property // in the contract's order
	byName     map[string]*property
	required   int  // how many are
	closed     bool // additionalProperties is false
}

// property is one declared property with its checks, compiled from its schema.
type property struct {
	path     string // from the root, joined by dots
	slot     int    // numbers all properties of the contract
	required bool
	kind     kind
	nullRule string // the rule that null breaks; "" if it is allowed
	object   *object

	column    int // in the table's order; unless kindObject
	columnOf  Type
	mask      mask.Kind
	domain    string
	canonical func(string) string // nil: the value as it is written

	array   bool // kindJSON is an array, else an object
	text    textChecks
	numbers numberChecks
}

// textChecks are the checks of a string; the zero value checks nothing.
type textChecks struct {
	allowed    []string // by enum or const
	allowRule  string   // "enum" or "const"; "" if there is neither
	format     func(string) bool
	formatRule string
	min, max   int // characters; max < 0: any number
	pattern    jsonschema.Regexp
}

// numberChecks are the checks of an integer or number.
type numberChecks struct {
	bounds     []bound
	multipleOf *big.Rat
}

// bound is one of minimum, maximum and their exclusive forms. Most values are
// decided by comparing doubles; the exact limit decides those next to it.
type bound struct {
	rule      string
	exact     *big.Rat
	near      float64 // the double nearest to exact
	sign      int     // +1: the value must not be above; -1: not below
	exclusive bool
}
