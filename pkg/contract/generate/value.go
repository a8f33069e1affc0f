package generate

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// value makes a value that the schemas ask for. name is that of the property that it belongs to.
func (g *Generator) value(all schemas, depth int, name string) any {
	if choices, limited := all.choices(); limited && len(choices) > 0 {
		return pick(g, choices)
	}
	kind := g.chooseType(all, depth)
	if value := g.identifying(all, kind); value != nil {
		return value
	}
	switch kind {
	case "string":
		return g.text(all, name)
	case "integer", "number":
		return g.number(all, kind == "integer")
	case "boolean":
		return g.chance(2)
	case "array":
		return g.array(all, depth, name)
	case "object":
		return g.object(all, depth)
	default:
		return nil
	}
}

func (g *Generator) chooseType(all schemas, depth int) string {
	types := all.types()
	nullable := slices.Contains(types, "null")
	asked := all.asksFor()
	switch {
	case len(types) == 0 || nullable && (len(types) == 1 || all.has("type") && (g.chance(8) || depth > 4*maxDepth)):
		return "null"
	case slices.Contains(types, asked):
		return asked
	case len(types) == len(allTypes):
		return pick(g, []string{"string", "integer", "boolean"})
	}
	return pick(g, slices.DeleteFunc(types, func(t string) bool { return t == "null" }))
}

// number makes a multiple of the step that the schemas ask for, between their limits.
func (g *Generator) number(all schemas, integer bool) any {
	low, high := g.limits(all, integer)
	step := stepOf(all, integer, new(big.Rat).Sub(high, low))
	first, last := ceil(new(big.Rat).Quo(low, step)), floor(new(big.Rat).Quo(high, step))
	at := func(n *big.Int) *big.Rat { return new(big.Rat).Mul(step, new(big.Rat).SetInt(n)) }
	if len(all.values("exclusiveMinimum")) > 0 && at(first).Cmp(low) == 0 {
		first.Add(first, big.NewInt(1))
	}
	if len(all.values("exclusiveMaximum")) > 0 && at(last).Cmp(high) == 0 {
		last.Sub(last, big.NewInt(1))
	}
	n := first
	if span := new(big.Int).Sub(last, first); span.Sign() > 0 {
		n = new(big.Int).Add(first, pick(g, []*big.Int{span, g.below(span), g.below(span), g.below(span), g.below(span), new(big.Int)}))
	}
	return json.Number(decimal(at(n)))
}

// below is a random number from 0 to less than span, which is positive.
func (g *Generator) below(span *big.Int) *big.Int {
	n := new(big.Int).SetUint64(g.r.Uint64())
	return n.Lsh(n, uint(max(span.BitLen()-64, 0))).Mod(n, span)
}

// limits are the least and the greatest number that make sense.
func (g *Generator) limits(all schemas, integer bool) (low, high *big.Rat) {
	for _, keyword := range []string{"minimum", "exclusiveMinimum"} {
		for _, value := range all.values(keyword) {
			if limit := rational(value); limit != nil && (low == nil || limit.Cmp(low) > 0) {
				low = limit
			}
		}
	}
	for _, keyword := range []string{"maximum", "exclusiveMaximum"} {
		for _, value := range all.values(keyword) {
			if limit := rational(value); limit != nil && (high == nil || limit.Cmp(high) < 0) {
				high = limit
			}
		}
	}
	span := big.NewRat(1000, 1)
	switch {
	case low == nil && high == nil:
		low, high = new(big.Rat), span
	case low == nil && high.Sign() >= 0 && high.Cmp(span) <= 0:
		low = new(big.Rat)
	case low == nil:
		low = new(big.Rat).Sub(high, span)
	case high == nil:
		high = new(big.Rat).Add(low, span)
	}
	if whole, _, ok := numericLimits(all); ok {
		edge := power(whole)
		high = least(high, edge)
		low = greatest(low, new(big.Rat).Neg(edge))
	} else if integer && all.text("x-type") == "" {
		high = least(high, big.NewRat(math.MaxInt64, 1))
		low = greatest(low, big.NewRat(math.MinInt64, 1))
	}
	return low, high
}

func least(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func greatest(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

func power(exponent int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil))
}

var numericType = regexp.MustCompile(`^numeric\(([0-9]+)(?:, ?([0-9]+))?\)$`)

// numericLimits returns how many digits x-type allows before and after the point.
func numericLimits(all schemas) (whole, fraction int, ok bool) {
	parts := numericType.FindStringSubmatch(all.text("x-type"))
	if parts == nil {
		return 0, 0, false
	}
	precision, _ := strconv.Atoi(parts[1])
	fraction, _ = strconv.Atoi(parts[2])
	return precision - fraction, fraction, true
}

// stepOf is what the number is a multiple of. span is the distance of its limits.
func stepOf(all schemas, integer bool, span *big.Rat) *big.Rat {
	step := big.NewRat(1, 1)
	for _, value := range all.values("multipleOf") {
		if multiple := rational(value); multiple != nil {
			step = multiple
			if integer {
				step = new(big.Rat).SetInt(multiple.Num())
			}
			return step
		}
	}
	if integer {
		return step
	}
	digits := 2
	if _, fraction, ok := numericLimits(all); ok {
		digits = min(digits, fraction)
	} else {
		for ; span.Sign() > 0 && digits < 900 && new(big.Rat).Mul(span, power(digits)).Cmp(big.NewRat(4, 1)) < 0; digits++ {
		}
	}
	return new(big.Rat).Inv(power(digits))
}

func floor(r *big.Rat) *big.Int { return new(big.Int).Div(r.Num(), r.Denom()) }

func ceil(r *big.Rat) *big.Int {
	n := floor(new(big.Rat).Neg(r))
	return n.Neg(n)
}

// decimal writes a number that has an end in decimal.
func decimal(r *big.Rat) string {
	digits := 0
	for scaled := new(big.Rat).Set(r); !scaled.IsInt() && digits < 1100; digits++ {
		scaled.Mul(scaled, big.NewRat(10, 1))
	}
	return r.FloatString(digits)
}

func (g *Generator) array(all schemas, depth int, name string) any {
	least := all.least("minItems", 0)
	if contains := all.values("contains"); len(contains) > 0 {
		least = max(least, all.least("minContains", 1))
	}
	most := all.most("maxItems", least+3)
	for _, s := range all {
		if s["items"] == false || s["unevaluatedItems"] == false {
			most = min(most, len(list(s["prefixItems"])))
		}
	}
	if depth > maxDepth {
		most = least
	}
	array := []any{}
	for i := range least + g.r.IntN(max(most-least, 0)+1) {
		of := g.element(all, i)
		for _, s := range all.values("contains") {
			if i < all.least("minContains", 1) {
				of = append(of, g.expand(s)...)
			}
		}
		array = append(array, g.value(of, depth+1, name))
	}
	return array
}

func (g *Generator) object(all schemas, depth int) any {
	o := object{}
	names, required := g.memberNames(all)
	wanted := all.least("minProperties", 0)
	most := all.most("maxProperties", math.MaxInt)
	for i, name := range names {
		isRequired := slices.Contains(required, name)
		isLeft := len(names)-i <= wanted-len(o)
		if !isRequired && !isLeft && (depth > maxDepth || g.chance(4) || len(o)+len(required) >= most) {
			continue
		}
		of, _ := g.member(all, name)
		o[name] = g.value(of, depth+1, name)
		for _, s := range all.values("dependentSchemas") {
			if dependent, ok := s.(object); ok && dependent[name] != nil {
				all = append(all, g.expand(dependent[name])...)
			}
		}
	}
	if g.Edges && g.chance(6) && all.has("properties") && len(o) < most {
		o["undeclared"] = pick(g, words)
	}
	for _, name := range g.dependents(all, o) {
		of, _ := g.member(all, name)
		o[name] = g.value(of, depth+1, name)
	}
	return o
}

// memberNames returns the names that a member may have, declared and made up, and those that the
// object must have, which come first.
func (g *Generator) memberNames(all schemas) (names, required []string) {
	for _, value := range all.values("required") {
		for _, name := range list(value) {
			required = append(required, name.(string))
		}
	}
	names = slices.Clone(required)
	for _, s := range all {
		properties, _ := s["properties"].(object)
		names = append(names, sortedKeys(properties)...)
		patterns, _ := s["patternProperties"].(object)
		for _, pattern := range sortedKeys(patterns) {
			names = append(names, g.matching(pattern, 1))
		}
		other := s["additionalProperties"]
		if other == nil {
			other = s["unevaluatedProperties"]
		}
		if _, ok := other.(object); ok {
			names = append(names, "other"+strconv.Itoa(g.r.IntN(100)))
		}
	}
	for i := all.least("minProperties", 0) - len(names); i > 0; i-- {
		names = append(names, "member"+strconv.Itoa(i))
	}
	for _, s := range all {
		for _, name := range names {
			if properties, _ := s["properties"].(object); properties[name] == false {
				names = slices.DeleteFunc(names, func(n string) bool { return n == name })
			}
		}
	}
	var unique []string
	for _, name := range names {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return unique, required
}

// dependents returns the members that dependentRequired and the schemas of others ask for, and that
// the object lacks.
func (g *Generator) dependents(all schemas, o object) (missing []string) {
	for _, value := range all.values("dependentRequired") {
		dependent, _ := value.(object)
		for _, name := range sortedKeys(dependent) {
			if _, present := o[name]; !present {
				continue
			}
			for _, other := range list(dependent[name]) {
				missing = append(missing, other.(string))
			}
		}
	}
	for _, value := range all.values("required") {
		for _, name := range list(value) {
			missing = append(missing, name.(string))
		}
	}
	return slices.DeleteFunc(missing, func(name string) bool { _, present := o[name]; return present })
}

// words are made up of these.
var words = strings.Fields("amber basil cedar delta ember flint grove hazel iris jade lilac maple north olive pearl river slate tulip violet willow")
