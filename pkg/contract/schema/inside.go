package schema

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// maxInside is how many values a contract may declare inside of one stored value.
const maxInside = 1000

// inside lists what is declared inside of a stored value; nil for a whole one.
func (c *compiler) inside(n node, shape *Shape) []table.Inside {
	if shape == nil {
		return nil
	}
	w := insideWalk{masks: map[string]string{}}
	w.walk(*shape, nil, nil)
	if w.visits > maxInside {
		c.note(n.at, "more than %d values are declared inside of it: leave out some, or declare an object without properties", maxInside)
		return nil
	}
	list := []table.Inside{}
	for _, path := range slices.Sorted(maps.Keys(w.masks)) {
		list = append(list, table.Inside{Path: path, Mask: w.masks[path]})
	}
	return list
}

type insideWalk struct {
	masks  map[string]string // by path
	visits int
}

// walk notes the values inside of a shape. Around are the schemas of the values that it is inside
// of: a schema that refers to itself is walked once.
func (w *insideWalk) walk(shape Shape, path []string, around []*stored) {
	isAround := func(s *stored) bool { return slices.Contains(around, s) }
	if w.visits++; w.visits > maxInside || len(shape.schemas) > 0 && !slices.ContainsFunc(shape.schemas, func(s *stored) bool { return !isAround(s) }) {
		return
	}
	around = slices.Concat(around, shape.schemas)
	declares := false
	descend := func(place string, inner Shape) {
		if len(inner.schemas) > 0 {
			declares = true
			w.walk(inner, append(slices.Clone(path), place), around)
		}
	}
	for _, name := range shape.memberNames() {
		member, _ := shape.Member(name)
		descend(placeOfMember(name), member)
	}
	for _, p := range shape.patternNames() {
		descend("{"+escape.Replace(p)+"}", shape.memberOf(p))
	}
	descend(otherMembers, shape.otherMember())
	prefix := shape.prefixLength()
	for i := range prefix {
		descend("["+strconv.Itoa(i)+"]", shape.Element(i))
	}
	descend(otherElements, shape.Element(prefix))
	if masking := shape.Masking(); len(path) > 0 && (masking.Kind != mask.None || !declares) {
		w.masks[strings.Join(path, ".")] = masking.String()
	}
}

// The places in a path that stand for more than one value: members that neither properties nor
// patternProperties declare, and elements behind those of prefixItems.
const (
	otherMembers  = "{*}" // * is not a valid pattern
	otherElements = "*"
)

// escape makes the dots of a path the only ones.
var escape = strings.NewReplacer("~", "~0", ".", "~1")

// placeOfMember is the member's name in a path. A ~ is in front of a name that could be taken for
// another place, or for none.
func placeOfMember(name string) string {
	if name == "" || strings.ContainsAny(name[:1], "*[{") {
		return "~" + escape.Replace(name)
	}
	return escape.Replace(name)
}

// memberOf returns the shape of a member whose name matches this pattern and nothing else.
func (s Shape) memberOf(regexp string) (member Shape) {
	for _, schema := range s.schemas {
		if i := slices.IndexFunc(schema.patterns, func(p pattern) bool { return p.name.String() == regexp }); i >= 0 {
			member.add(schema.patterns[i].schema)
		} else {
			member.add(schema.additional)
		}
	}
	return member
}

// otherMember returns the shape of a member whose name matches nothing.
func (s Shape) otherMember() (member Shape) {
	for _, schema := range s.schemas {
		member.add(schema.additional)
	}
	if len(member.schemas) == 0 {
		for _, schema := range s.schemas {
			member.add(schema.unevaluated)
		}
	}
	return member
}

// prefixLength is how many elements have a schema of their own.
func (s Shape) prefixLength() (length int) {
	for _, schema := range s.schemas {
		length = max(length, len(schema.prefix))
	}
	return length
}

// patternNames returns the patterns of patternProperties, sorted.
func (s Shape) patternNames() (names []string) {
	for _, schema := range s.schemas {
		for _, p := range schema.patterns {
			names = append(names, p.name.String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// memberNames returns the names of members that properties declare, sorted.
func (s Shape) memberNames() (names []string) {
	for _, schema := range s.schemas {
		names = slices.AppendSeq(names, maps.Keys(schema.members))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
