package generate

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"sqs2pg/pkg/contract/naming"
)

const ordinary = 12 // characters, if the schema does not say how many

// text makes a string by format, pattern, x-type, or the name of its property.
func (g *Generator) text(all schemas, name string) any {
	if format := all.text("format"); format != "" {
		return g.formatted(format)
	}
	least := all.least("minLength", 1)
	most := max(all.most("maxLength", least+ordinary), least)
	text := ""
	switch pattern := all.text("pattern"); {
	case pattern != "":
		text = g.matching(pattern, least)
		longer := g.fit(text, least, most)
		if matches, err := regexp.MatchString(pattern, longer); err != nil || !matches {
			return text
		}
		return longer
	case all.text("x-type") != "":
		number, _ := g.number(all, false).(fmt.Stringer)
		return number.String()
	default:
		text = g.named(name)
	}
	return g.fit(text, least, most)
}

// fit brings a text to a length in characters. Once in a while it is the least or the greatest.
func (g *Generator) fit(text string, least, most int) string {
	length := utf8.RuneCountInString(text)
	switch {
	case g.atEdge() && most <= 1000:
		least = most
	case g.atEdge():
		most = least
	}
	if length > most {
		return string([]rune(text)[:most])
	}
	for ; length < least; length++ {
		text += g.letter()
	}
	return text
}

// letter is a small letter, with Edges also one of several bytes.
func (g *Generator) letter() string {
	if g.Edges && g.chance(4) {
		return pick(g, []string{"é", "😀"})
	}
	return string(rune('a' + g.r.IntN(26)))
}

// named makes a text that looks like what the name of a property says.
func (g *Generator) named(name string) string {
	parts := strings.Split(naming.Column(name), "_")
	has := func(any ...string) bool {
		return slices.ContainsFunc(any, func(word string) bool { return slices.Contains(parts, word) })
	}
	switch {
	case has("email", "mail"):
		return g.email()
	case has("phone", "mobile", "tel"):
		return fmt.Sprintf("+49 30 %07d", g.r.IntN(1e7))
	case has("card", "pan"):
		return fmt.Sprintf("4000%012d", g.r.IntN(1e12))
	case has("iban"):
		return fmt.Sprintf("DE00%018d", g.r.Int64N(1e18))
	case has("ip", "addr"):
		return g.ipv4()
	case has("currency"):
		return pick(g, []string{"EUR", "USD", "JPY"})
	case has("country"):
		return pick(g, []string{"DE", "FR", "JP", "BR"})
	case has("locale", "language"):
		return pick(g, []string{"de-DE", "en-GB", "ja-JP", "pt-BR"})
	case has("version"):
		return g.formatted("semver")
	case has("id", "sku", "number", "code"):
		return fmt.Sprintf("%s-%04d", pick(g, words), g.r.IntN(1e4))
	default:
		return pick(g, words)
	}
}

func (g *Generator) email() string {
	return fmt.Sprintf("%s.%s@example.%s", pick(g, words), pick(g, words), pick(g, []string{"com", "net", "org"}))
}

// ipv4 makes an address of the networks for documentation.
func (g *Generator) ipv4() string {
	return fmt.Sprintf("%s.%d", pick(g, []string{"192.0.2", "198.51.100", "203.0.113"}), g.r.IntN(256))
}

func (g *Generator) ipv6() string {
	return fmt.Sprintf("2001:db8:%x::%x", g.r.IntN(1<<16), g.r.IntN(1<<16))
}

// formats are strings of a format, with %s for a word.
var formats = map[string]string{
	"hostname": "%s.example.com", "uri": "https://example.com/%s", "iri": "https://example.com/%s", "uri-reference": "/%s", "iri-reference": "/%s",
	"json-pointer": "/%s", "relative-json-pointer": "1/%s", "uri-template": "/%s/{id}", "regex": "^%s[0-9]+$",
}

// formatted makes a string of a format.
func (g *Generator) formatted(format string) string {
	// Between 2000 and 2030.
	t := time.Unix(946684800+g.r.Int64N(946_000_000), g.r.Int64N(1000)*1e6).UTC()
	switch format {
	case "ip":
		return pick(g, []func() string{g.ipv4, g.ipv4, g.ipv6})()
	case "ipv4":
		return g.ipv4()
	case "ipv6":
		return g.ipv6()
	case "uuid":
		return g.uuid()
	case "email":
		return g.email()
	case "date":
		return t.Format(time.DateOnly)
	case "date-time":
		return t.Format(time.RFC3339Nano)
	case "time":
		return t.Format("15:04:05Z")
	case "period":
		return t.Format(time.RFC3339) + "/" + t.Add(time.Hour).Format(time.RFC3339)
	case "duration":
		return fmt.Sprintf("P%dDT%dH", g.r.IntN(30), g.r.IntN(24))
	case "semver":
		return fmt.Sprintf("%d.%d.%d", g.r.IntN(9), g.r.IntN(20), g.r.IntN(9))
	}
	return strings.ReplaceAll(cmp.Or(formats[format], "%s"), "%s", pick(g, words))
}

// uuid makes a random one, of version 4.
func (g *Generator) uuid() string {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(g.r.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

// matching makes a text that a pattern matches. It fills the rest to the least length if the
// pattern allows any text behind its match.
func (g *Generator) matching(pattern string, least int) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var text strings.Builder
	g.match(&text, parsed, least)
	return text.String()
}

// match writes a text for a part of a pattern. Loops that end nowhere run as often as it takes to
// reach the least length, and a little more.
func (g *Generator) match(text *strings.Builder, re *syntax.Regexp, least int) {
	again := func(from, to int) {
		for i := 0; i < to && (i < from || text.Len() < least || g.chance(2)); i++ {
			g.match(text, re.Sub[0], least)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		text.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		text.WriteRune(g.runeOf(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		text.WriteString(g.letter())
	case syntax.OpStar:
		again(0, max(least, 3))
	case syntax.OpPlus:
		again(1, max(least, 3))
	case syntax.OpQuest:
		again(0, 1)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = max(re.Min, least) + 3
		}
		again(re.Min, most)
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			g.match(text, sub, least)
		}
	case syntax.OpAlternate:
		g.match(text, pick(g, re.Sub), least)
	}
}

// runeOf picks a character of a class, which is a list of ranges. It prefers letters and digits.
func (g *Generator) runeOf(ranges []rune) rune {
	for range 20 {
		i := 2 * g.r.IntN(len(ranges)/2)
		low, high := ranges[i], min(ranges[i+1], max(ranges[i], '~'))
		if r := low + rune(g.r.IntN(int(min(high-low, math.MaxInt16))+1)); r >= '0' && r <= 'z' {
			return r
		}
	}
	return max(ranges[0], ' ')
}
