package shape

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// MaxInside is how many values a contract may declare inside of one stored value.
const MaxInside = 1000

// Inside lists what is declared inside of the value, sorted by path. It is false if that is more
// than MaxInside.
func (s Shape) Inside() ([]table.Inside, bool) {
	w := insideWalk{masks: map[string]string{}}
	w.walk(s, nil, nil)
	if w.visits > MaxInside {
		return nil, false
	}
	list := []table.Inside{}
	for _, path := range slices.Sorted(maps.Keys(w.masks)) {
		list = append(list, table.Inside{Path: path, Mask: w.masks[path]})
	}
	return list, true
}

type insideWalk struct {
	masks  map[string]string // by path
	visits int
}

// walk notes the values inside of a shape. Around are the schemas of the values that it is inside
// of: a schema that refers to itself is walked once.
func (w *insideWalk) walk(shape Shape, path []string, around []*Schema) {
	isAround := func(s *Schema) bool { return slices.Contains(around, s) }
	if w.visits++; w.visits > MaxInside || len(shape.schemas) > 0 && !slices.ContainsFunc(shape.schemas, func(s *Schema) bool { return !isAround(s) }) {
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
		if i := slices.IndexFunc(schema.Patterns, func(p Pattern) bool { return p.Name.String() == regexp }); i >= 0 {
			member.add(schema.Patterns[i].Schema)
		} else {
			member.add(schema.Additional)
		}
	}
	return member
}

// otherMember returns the shape of a member whose name matches nothing.
func (s Shape) otherMember() (member Shape) {
	for _, schema := range s.schemas {
		member.add(schema.Additional)
	}
	if len(member.schemas) == 0 {
		for _, schema := range s.schemas {
			member.add(schema.Unevaluated)
		}
	}
	return member
}

// prefixLength is how many elements have a schema of their own.
func (s Shape) prefixLength() (length int) {
	for _, schema := range s.schemas {
		length = max(length, len(schema.Prefix))
	}
	return length
}

// patternNames returns the patterns of patternProperties, sorted.
func (s Shape) patternNames() (names []string) {
	for _, schema := range s.schemas {
		for _, p := range schema.Patterns {
			names = append(names, p.Name.String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// memberNames returns the names of members that properties declare, sorted.
func (s Shape) memberNames() (names []string) {
	for _, schema := range s.schemas {
		names = slices.AppendSeq(names, maps.Keys(schema.Members))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
