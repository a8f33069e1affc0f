package schema

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/schema/reference"
)

// follow replaces the schema of a property by one without $ref, which has its keywords and those of
// the schemas that $ref names. JSON Schema asks for both; so no keyword may be on both sides, and
// then one schema asks for the same. Around are the places of the objects that the property is in.
func (c *compiler) follow(n node, around []jsontext.Pointer) node {
	original := n.Schema
	for n.Ref != nil {
		named, at := n.Ref, pointerOf(n.Ref.Location)
		if slices.Contains(around, at) {
			n.note(c, "$ref", "a property that becomes columns cannot contain itself: write out the levels that you need, or keep it in an array or an object without properties")
			return n
		}
		merged, conflicts := reference.Merge(n.Schema, named)
		conflicts = append(conflicts, n.annotations.merge(annotationsOf(named))...)
		if len(conflicts) > 0 {
			n.note(c, "$ref", "%s cannot stand beside $ref here: put it into %s, or write the schema in place", strings.Join(conflicts, ", "), at)
		}
		if len(named.Properties) > 0 {
			n.inner = at
		}
		around = append(slices.Clone(around), at)
		c.followed[at] = true
		n.Schema = merged
	}
	c.merged[original] = n.Schema
	return n
}

// withNamed adds to the schema of a stored value what its mask needs of the schemas that $ref
// names: the type, the format, and the domain and form of tokens. Their own masks are compiled with
// them.
func (n node) withNamed() node {
	for range maxNesting {
		named := n.Ref
		if n.mask == "" || named == nil {
			break
		}
		other := annotationsOf(named)
		n.Schema, _ = reference.Merge(n.Schema, named)
		n.format, n.domain, n.normalize = cmp.Or(n.format, other.format), cmp.Or(n.domain, other.domain), cmp.Or(n.normalize, other.normalize)
	}
	return n
}

// merge adds the annotations of the schema that $ref names, and returns the keywords that both
// have.
func (a *annotations) merge(named annotations) (conflicts []string) {
	for _, keyword := range []struct {
		name       string
		own, named *string
	}{
		{"x-column", &a.column, &named.column}, {"x-type", &a.columnType, &named.columnType}, {"x-domain", &a.domain, &named.domain},
		{"x-normalize", &a.normalize, &named.normalize}, {"x-attribute", &a.origin.Attribute, &named.origin.Attribute}, {"", &a.format, &named.format}, // format has been compared as a keyword
	} {
		if *keyword.own == "" {
			*keyword.own = *keyword.named
		} else if *keyword.named != "" && keyword.name != "" {
			conflicts = append(conflicts, keyword.name)
		}
	}
	a.origin.EventID, a.origin.EventTime = a.origin.EventID || named.origin.EventID, a.origin.EventTime || named.origin.EventTime
	a.recover, a.subject = a.recover || named.recover, a.subject || named.subject
	masked := a.mask != "" || a.masks != nil
	switch namedMasked := named.mask != "" || named.masks != nil; {
	case masked && namedMasked:
		conflicts = append(conflicts, "x-mask")
	case namedMasked:
		a.mask, a.masks, a.maskAt = named.mask, named.masks, named.maskAt
	}
	return conflicts
}
