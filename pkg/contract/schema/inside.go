package schema

import (
	"maps"
	"slices"
	"strings"

	"sqs2pg/pkg/mask"
)

// maxInside is how many values a contract may declare inside of one stored value.
const maxInside = 1000

// inside lists what is declared inside of a stored value; nil for a whole one.
func (c *compiler) inside(n node, shape *Shape) []Inside {
	if shape == nil {
		return nil
	}
	w := insideWalk{masks: map[string][]string{}}
	w.walk(*shape, nil, nil)
	if w.visits > maxInside {
		c.note(n.at, "more than %d values are declared inside of it: leave out some, or declare an object without properties", maxInside)
		return nil
	}
	list := []Inside{}
	for _, path := range slices.Sorted(maps.Keys(w.masks)) {
		slices.Sort(w.masks[path])
		list = append(list, Inside{path, strings.Join(slices.Compact(w.masks[path]), " or ")})
	}
	return list
}

type insideWalk struct {
	masks  map[string][]string // by path
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
	descend := func(name string, inner Shape) {
		declares = true
		w.walk(inner, append(slices.Clone(path), name), around)
	}
	for _, name := range shape.memberNames() {
		member, _ := shape.Member(name)
		descend(name, member)
	}
	for _, s := range shape.schemas {
		for _, p := range s.patterns {
			descend("*", Shape{schemas: p.schema.applies})
		}
		for _, inner := range slices.Concat(s.prefix, []*stored{s.additional, s.unevaluated, s.items}) {
			if inner != nil {
				descend("*", Shape{schemas: inner.applies})
			}
		}
	}
	if kind := shape.Masking().Kind; kind != mask.None || !declares {
		at := strings.Join(path, ".")
		w.masks[at] = append(w.masks[at], kind.String())
	}
}

// memberNames returns the names of members that properties declare, sorted.
func (s Shape) memberNames() (names []string) {
	for _, schema := range s.schemas {
		names = slices.AppendSeq(names, maps.Keys(schema.members))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
