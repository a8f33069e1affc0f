package schema

import (
	"cmp"

	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/checks"
	"sqs2pg/pkg/contract/masking"
	"sqs2pg/pkg/contract/naming"
	"sqs2pg/pkg/contract/table"
	"sqs2pg/pkg/mask"
)

// target is a column of a property.
type target struct {
	column, mask string
	at           jsontext.Pointer // of the mask
}

// targets are the columns of a property: one, or those that x-mask names.
func (c *compiler) targets(n node, prefix string) []target {
	at := n.maskAt
	if n.masks == nil {
		return []target{{cmp.Or(n.column, prefix+naming.Column(n.name)), n.mask, at}}
	}
	if n.column != "" {
		n.note(c, "x-column", "x-mask names the columns of this property: remove x-column")
	}
	var targets []target
	for _, column := range c.text.Order[at] {
		name, _ := n.masks[column].(string)
		if targets = append(targets, target{column, name, at.AppendToken(column)}); name == mask.Drop.String() {
			c.note(at.AppendToken(column), "a dropped value needs no column beside others: remove it")
		}
	}
	return targets
}

// newMasking compiles one mask of a schema.
func (c *compiler) newMasking(n node, at jsontext.Pointer, name string) masking.Masking {
	m := masking.Masking{Domain: cmp.Or(n.domain, n.name)}
	if name == "" {
		return m
	}
	kind, err := mask.ParseKind(name)
	if err != nil {
		c.note(at, "%q: %v", name, err)
		return m
	}
	values := n.values()
	if refusal := masking.Refusal(kind, values); refusal != "" {
		c.note(at, "%s", refusal)
	}
	if m.Kind = kind; kind != mask.Token {
		return m
	}
	switch {
	case values.Type != "string":
		m.Form = masking.Number
	case n.normalize != "":
		m.Form = masking.Form(n.normalize)
	default:
		m.Form = masking.FormOf(n.format)
	}
	return m
}

// checkTokenKeywords notes keywords that are for tokens only.
func (c *compiler) checkTokenKeywords(n node) {
	hasToken := n.mask == mask.Token.String()
	for _, name := range n.masks {
		hasToken = hasToken || name == mask.Token.String()
	}
	switch {
	case n.domain != "" && !hasToken:
		n.note(c, "x-domain", `it needs "x-mask": "token"`)
	case n.domain == table.SubjectDomain:
		n.note(c, "x-domain", "sqs2pg uses this domain itself: use another")
	}
	if n.normalize != "" && !hasToken {
		n.note(c, "x-normalize", `it needs "x-mask": "token"`)
	} else if refusal := masking.NormalizeRefusal(masking.Form(n.normalize), n.values()); n.normalize != "" && refusal != "" {
		n.note(c, "x-normalize", "%s", refusal)
	}
}

// values is what the schema says of values that are masked.
func (n node) values() masking.Values {
	v := masking.Values{Format: n.format, Numeric: n.columnType != ""}
	if types, _, _ := checks.TypesOf(n.Schema); len(types) == 1 {
		v.Type = types[0]
	}
	return v
}
