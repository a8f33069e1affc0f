package contract

import (
	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/contract/scalar"
	"sqs2pg/pkg/contract/schema"
	"sqs2pg/pkg/contract/stored"
	"sqs2pg/pkg/contract/violation"
	"sqs2pg/pkg/mask"
)

// maskedValue reads a value that is masked and is not a string.
func (d *decoding) maskedValue(p *schema.Property, kind jsontext.Kind, raw []byte) (Value, string) {
	number := kind == '0' && (p.Kind == schema.Integer || p.Kind == schema.Number)
	switch {
	case p.Masking.Kind == mask.Drop:
		return Value{}, d.dropped(p, kind, raw)
	case !number:
		return Value{}, violation.Type
	case p.Masking.Kind == mask.Token:
		return numberText(p, raw)
	case p.Type.Base() == Numeric:
		return decimal(p, string(raw))
	case p.Kind == schema.Integer:
		value, rule := integer(p, raw)
		floor, fits := mask.Floor(value.Int(), p.Masking.Kind.Width())
		if rule == "" && !fits {
			rule = violation.Range
		}
		return intValue(floor), rule
	default:
		value, rule := double(p, raw)
		return floatValue(mask.FloorFloat(value.Float(), p.Masking.Kind.Width())), rule
	}
}

// dropped checks the type of a value that is not stored, and its nesting.
func (d *decoding) dropped(p *schema.Property, kind jsontext.Kind, raw []byte) (rule string) {
	isOfType := p.Kind == schema.Anything
	switch p.Kind {
	case schema.Integer:
		isOfType = kind == '0' && scalar.IsWhole(raw)
	case schema.Number:
		isOfType = kind == '0'
	case schema.Bool:
		isOfType = kind == 't' || kind == 'f'
	case schema.StoredArray:
		isOfType = kind == '['
	case schema.StoredObject:
		isOfType = kind == '{'
	}
	switch {
	case !isOfType:
		return violation.Type
	case stored.IsTooDeep(raw, d.Depth()):
		return violation.Nesting
	}
	return ""
}

// numberText reads a number of which a token is made.
func numberText(p *schema.Property, raw []byte) (Value, string) {
	if !scalar.InProportion(raw) {
		return Value{}, violation.Range
	}
	if p.Kind == schema.Integer && !scalar.IsWhole(raw) {
		return Value{}, violation.Type
	}
	if rule := p.Numbers.Check(near(raw), raw); rule != "" {
		return Value{}, rule
	}
	return textValue(p.Masking.Number(raw)), ""
}

// stored reads the value of a jsonb column, or returns the rule that it breaks.
func (d *decoding) stored(p *schema.Property, raw []byte) (_ Value, rule string) {
	if p.Shape == nil {
		d.scratch, rule = stored.AppendWhole(d.scratch[:0], raw, d.Depth())
	} else {
		d.scratch, d.masked, rule = stored.Append(d.scratch[:0], raw, *p.Shape, d.Depth(), p.Column, d.masked)
	}
	return textValue(string(d.scratch)), rule
}
