package generate_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
)

type object = map[string]any

// drawer draws the document of a contract. Each keyword of JSON Schema and each of ours is among
// those that it draws.
type drawer struct {
	r     *rand.Rand
	defs  object
	names int
}

func pick[T any](d *drawer, list ...T) T { return list[d.r.IntN(len(list))] }

func (d *drawer) chance(n int) bool { return d.r.IntN(n) == 0 }

// add adds one of some sets of keywords.
func (d *drawer) add(schema object, sets ...object) {
	for keyword, value := range pick(d, sets...) {
		schema[keyword] = value
	}
}

func (d *drawer) name(prefix string) string {
	d.names++
	return fmt.Sprintf("%s%d", prefix, d.names)
}

func (d *drawer) contract() object {
	d.defs = object{}
	properties, required := object{}, []string{}
	for range 1 + d.r.IntN(8) {
		name := d.name(pick(d, "field", "someField", "Other-Field", "email", "phoneNumber", "total"))
		isRequired := d.chance(2)
		if isRequired {
			required = append(required, name)
		}
		properties[name] = d.property(0)
	}
	root := object{"type": "object", "x-table": pick(d, "t", "crm.events"), "properties": properties, "required": required}
	d.annotate(root)
	first := d.name("first")
	properties[first] = object{"type": "integer", "minimum": 0, "maximum": 50}
	switch d.r.IntN(24) {
	case 0:
		root["additionalProperties"] = false
	case 1:
		root["additionalProperties"] = object{"type": "string", "maxLength": 20}
	case 2:
		root["patternProperties"] = object{"^x[a-z]{2}$": object{"type": "boolean"}}
		root["additionalProperties"] = false
	case 3:
		root["unevaluatedProperties"] = false
	case 4:
		root["minProperties"], root["maxProperties"] = 1, 30
	case 5:
		root["propertyNames"] = object{"maxLength": 30}
	case 6:
		root["dependentRequired"] = object{pick(d, sorted(properties)...): []string{first}}
	case 7:
		root["dependentSchemas"] = object{first: object{"required": []string{first}}}
	case 8:
		root["if"] = object{"required": []string{first}}
		root["then"], root["else"] = object{"properties": object{first: object{"maximum": 40}}}, object{"maxProperties": 30}
	case 9:
		root["allOf"] = []any{object{"required": []string{first}}}
	case 10:
		root["anyOf"] = []any{object{"required": []string{first}}, object{"maxProperties": 3}}
	case 11:
		root["oneOf"] = []any{object{"required": []string{first}}, object{"not": object{"required": []string{first}}}}
	case 12, 13:
		root["x-write"], root["required"] = object{"mode": "upsert", "key": []string{first}}, append(required, first)
	case 14:
		root["x-write"] = object{"mode": "insert"}
	}
	d.origin(root, properties)
	if d.chance(8) {
		properties[d.name("lines")] = object{"x-recover": true, "type": "array", "items": object{"type": "object", "properties": object{"buyer": d.text(false), "amount": d.number(false)}}}
	}
	if d.chance(8) {
		person := d.name("person")
		properties[person] = pick(d, object{"type": "string", "format": "uuid"}, object{"type": "string", "maxLength": 40, "x-mask": "token"}, object{"type": "integer"})
		properties[person].(object)["x-subject"] = true
		root["required"] = append(root["required"].([]string), person)
	}
	if d.chance(8) {
		root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	}
	if d.chance(20) {
		root["$id"] = "https://example.org/contract.json"
	}
	if len(d.defs) > 0 {
		root["$defs"] = d.defs
	}
	return root
}

// origin adds the keywords of wrappers, routes and identity.
func (d *drawer) origin(root, properties object) {
	if d.chance(6) {
		root["x-envelope"] = pick[any](d, "sns", "eventbridge", []string{"sns", "eventbridge"})
	}
	chain := fmt.Sprint(root["x-envelope"])
	if d.chance(8) {
		match := pick(d, object{"body": object{"kind": []any{"order"}}}, object{"messageAttributes": object{"type": []any{object{"prefix": "ord"}}}})
		if chain == "eventbridge" { // which has no attributes
			match = object{"envelope": object{"detail-type": []any{"Order Placed", "Order Paid"}}}
		}
		root["x-match"] = match
		if match["body"] != nil {
			properties["kind"] = object{"type": "string"}
		}
	}
	if d.chance(6) && chain != "eventbridge" && chain != "[sns eventbridge]" {
		name := d.name("attribute")
		properties[name] = pick(d, object{"type": "string", "maxLength": 30}, object{"type": "integer", "minimum": 1}, object{"type": "boolean"})
		properties[name].(object)["x-attribute"] = d.name("tenant-")
		if d.chance(2) {
			root["required"] = append(root["required"].([]string), name)
		}
	}
	if d.chance(8) {
		id, at := d.name("id"), d.name("at")
		properties[id] = pick(d, object{"type": "string", "format": "uuid"}, object{"type": "string", "maxLength": 40}, object{"type": "integer", "minimum": 1})
		properties[at] = pick(d, object{"type": "string", "format": "date-time"}, object{"type": "integer", "minimum": 0})
		properties[id].(object)["x-event-id"], properties[at].(object)["x-event-time"] = true, true
		root["required"] = append(root["required"].([]string), id, at)
	}
}

func sorted(o object) (names []string) {
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// annotate adds keywords that check nothing.
func (d *drawer) annotate(schema object) {
	if d.chance(4) {
		d.add(schema, object{"title": "A title"}, object{"description": "A description."}, object{"$comment": "A comment."}, object{"examples": []any{1}}, object{"default": "x"},
			object{"deprecated": true}, object{"readOnly": true}, object{"writeOnly": true}, object{"contentEncoding": "base64"}, object{"contentMediaType": "application/json"},
			object{"contentMediaType": "application/json", "contentSchema": object{"type": "object"}})
	}
}

func (d *drawer) property(depth int) object {
	var p object
	switch d.r.IntN(14) {
	case 0, 1, 2, 3, 4:
		p = d.text(true)
	case 5, 6:
		p = d.number(true)
	case 7:
		p = pick(d, object{"type": "boolean"}, object{"type": "boolean"}, object{"const": true}, object{"type": "boolean", "enum": []any{true}})
	case 8, 9:
		p = d.array()
	case 10:
		p = d.stored()
	case 11:
		if depth < 2 {
			p = d.nested(depth)
		} else {
			p = d.text(true)
		}
	default:
		return d.reference()
	}
	if kind, ok := p["type"].(string); ok && p["enum"] == nil && p["const"] == nil && d.chance(5) {
		p["type"] = []string{kind, "null"}
	}
	_, several := p["x-mask"].(object)
	if properties := p["properties"]; properties == nil && !several && d.chance(6) {
		p["x-column"] = d.name("column_")
	}
	d.annotate(p)
	return p
}

// nested is an object whose properties are columns.
func (d *drawer) nested(depth int) object {
	properties := object{}
	for range 1 + d.r.IntN(3) {
		properties[d.name("inner")] = d.property(depth + 1)
	}
	o := object{"type": "object", "properties": properties}
	if d.chance(2) {
		o["required"] = []string{sorted(properties)[0]}
	}
	if d.chance(4) {
		d.add(o, object{"additionalProperties": false}, object{"minProperties": 1}, object{"unevaluatedProperties": object{"type": "integer"}}, object{"propertyNames": object{"pattern": "^[a-zA-Z0-9]+$"}})
	}
	return o
}

func (d *drawer) reference() object {
	name := d.name("def")
	target := d.text(false)
	p := object{"$ref": "#/$defs/" + name}
	switch d.r.IntN(4) {
	case 0:
		target["$anchor"] = name
		p["$ref"] = "#" + name
	case 1:
		target = d.nested(2)
	case 2:
		d.annotate(p)
	}
	d.defs[name] = target
	return p
}

var formats = map[string][]string{
	"ip": {"token", "ip-network"}, "ipv4": {"ip-network"}, "ipv6": {"ip-network", "token"}, "uuid": {"token"}, "date": {"date-year", "date-month", "token"}, "date-time": {"date-year", "date-month"},
	"email": {"email-domain", "token", "sha256-8"}, "uri": {"drop"}, "hostname": {"token"}, "time": {"sha256-8"}, "duration": {"drop"}, "semver": nil, "uri-reference": nil, "json-pointer": nil,
	"iri": nil, "iri-reference": nil, "period": nil, "regex": nil, "relative-json-pointer": nil, "uri-template": nil,
}

// text draws a string. ofColumn is false inside of arrays and definitions.
func (d *drawer) text(ofColumn bool) object {
	s := object{"type": "string"}
	kinds := []string{"token", "sha256-8", "last-4", "drop"}
	switch d.r.IntN(10) {
	case 0, 1, 2, 9:
		format := pick(d, sortedFormats...)
		if d.chance(2) {
			format = pick(d, "email", "date", "date-time", "uuid")
		}
		s["format"], kinds = format, formats[format]
	case 3:
		s["minLength"], s["maxLength"] = d.r.IntN(4), 4+d.r.IntN(40)
	case 4:
		d.add(s, object{"pattern": "^[A-Z]{2}-[0-9]{3,6}$"}, object{"pattern": "^(red|green|blue)$"}, object{"pattern": "a+b*c?"}, object{"pattern": `^\+?[0-9 ]+`}, object{"pattern": `^\S.*\S$`, "minLength": 6})
	case 5:
		d.add(s, object{"enum": []any{"a", "b", "other value"}}, object{"const": "fixed"})
		if d.chance(3) {
			delete(s, "type")
		}
	case 6:
		if ofColumn {
			s["x-type"] = pick(d, "numeric", "numeric(12,2)", "numeric(5)")
			kinds = []string{"bucket:10", "drop"}
		}
	case 7:
		d.add(s, object{"anyOf": []any{object{"maxLength": 5}, object{"pattern": "^[a-z]"}}}, object{"not": object{"const": "forbidden"}}, object{"allOf": []any{object{"maxLength": 30}}},
			object{"oneOf": []any{object{"maxLength": 9}, object{"minLength": 5}}}, object{"if": object{"minLength": 8}, "then": object{"maxLength": 80}, "else": object{"maxLength": 7}})
	}
	d.mask(s, ofColumn, kinds...)
	return s
}

var sortedFormats = func() (names []string) {
	for name := range formats {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

func (d *drawer) number(ofColumn bool) object {
	n := object{"type": pick(d, "integer", "number")}
	if d.chance(2) {
		d.add(n, object{"minimum": -5, "maximum": 100}, object{"exclusiveMinimum": 0, "exclusiveMaximum": 1000}, object{"multipleOf": 3}, object{"minimum": json.Number("9007199254740993")},
			object{"multipleOf": json.Number("0.25"), "maximum": 12}, object{"exclusiveMaximum": json.Number("0.5")})
	} else if d.chance(4) {
		d.add(n, object{"enum": []any{1, 2, 5}}, object{"const": 7})
		if d.chance(2) {
			delete(n, "type")
		}
	}
	if ofColumn && d.chance(5) {
		n["x-type"] = pick(d, "numeric", "numeric(30, 4)")
		d.mask(n, ofColumn, "drop", "bucket:100")
	} else {
		d.mask(n, ofColumn, "token", "drop", "bucket:10", "bucket:3")
	}
	return n
}

// mask masks one in two values: a column by one mask or by several.
func (d *drawer) mask(s object, ofColumn bool, kinds ...string) {
	if len(kinds) == 0 || d.chance(2) {
		return
	}
	kind := pick(d, kinds...)
	if kind == "drop" && !d.chance(4) {
		return
	}
	s["x-mask"] = kind
	if ofColumn && d.chance(4) {
		s["x-recover"] = true
	}
	if kind != "drop" && ofColumn && d.chance(4) {
		s["x-mask"] = object{d.name("masked_"): kind, d.name("masked_"): kind}
	}
	if kind == "token" && d.chance(3) {
		s["x-domain"] = pick(d, "people", "orders")
	}
	format, _ := s["format"].(string)
	if kind == "token" && s["type"] == "string" && !d.chance(4) && (format == "" || format == "email") {
		s["x-normalize"] = pick(d, "lower", "lower", "email", "email")
		if format == "" && d.chance(3) {
			s["x-normalize"] = "digits"
		}
	}
}

// inner draws the schema of a value inside of a stored one.
func (d *drawer) inner(depth int) object {
	switch d.r.IntN(7) {
	case 0, 1:
		return d.text(false)
	case 2:
		return d.number(false)
	case 3:
		return object{"type": "boolean"}
	case 4:
		if depth < 2 {
			return object{"type": "array", "items": d.inner(depth + 1), "maxItems": 3}
		}
		return object{"type": "integer"}
	default:
		properties := object{"name": d.text(false), "n": d.number(false)}
		return object{"type": "object", "properties": properties, "required": []string{"n"}}
	}
}

func (d *drawer) array() object {
	a := object{"type": "array"}
	switch d.r.IntN(9) {
	case 0:
	case 1:
		a["prefixItems"], a["items"] = []any{d.inner(0), d.inner(0)}, d.inner(0)
	case 2:
		a["prefixItems"], a["unevaluatedItems"] = []any{d.inner(0)}, pick[any](d, false, object{"type": "integer"})
	case 3:
		a["contains"] = object{"type": "integer", "minimum": 5}
		if d.chance(2) {
			a["minContains"], a["maxContains"] = 1, 4
		}
		a["maxItems"] = 4
	case 4:
		a["items"], a["uniqueItems"] = object{"type": "integer"}, true
	case 5:
		d.defs["node"] = object{"$dynamicAnchor": "node", "type": "object", "properties": object{
			"label": object{"type": "string", "x-mask": "token"}, "children": object{"type": "array", "items": object{"$dynamicRef": "#node"}, "maxItems": 2}}}
		a["items"] = object{"$ref": "#/$defs/node"}
	case 6:
		if d.chance(3) {
			a["x-mask"] = "drop"
		}
		a["items"] = object{"type": "string"}
	default:
		a["items"] = d.inner(0)
	}
	if d.chance(3) {
		a["minItems"] = 1
		if a["maxItems"] == nil {
			a["maxItems"] = 5
		}
	}
	if a["unevaluatedItems"] == false {
		delete(a, "minItems")
	}
	return a
}

// stored is an object that is one column.
func (d *drawer) stored() object {
	s := object{"type": "object"}
	if d.chance(20) {
		s["x-mask"] = "drop"
		return s
	}
	d.add(s, object{}, object{"patternProperties": object{"^k[0-9]$": d.inner(0)}}, object{"additionalProperties": d.inner(0)}, object{"minProperties": 1, "maxProperties": 4},
		object{"additionalProperties": object{"type": "integer"}, "propertyNames": object{"pattern": "^[a-z0-9]+$"}}, object{"required": []string{"a", "b"}, "additionalProperties": object{"type": "integer"}},
		object{"dependentRequired": object{"a": []string{"b"}}, "required": []string{"a"}}, object{"dependentSchemas": object{"a": object{"required": []string{"b"}}}, "required": []string{"a"}},
		object{"allOf": []any{object{"properties": object{"a": object{"type": "integer"}}}}, "unevaluatedProperties": object{"type": "string", "x-mask": "token"}})
	return s
}
