package registry

import (
	"regexp"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

// Describe returns what the registry keeps of a contract's columns. Values inside of a jsonb column
// follow it as COLUMN.PATH, so that their masks are compared as well.
func Describe(table contract.Table) []Column {
	list := []Column{}
	for _, c := range table.Columns {
		list = append(list, Column{Name: c.Name, Type: c.Type.String(), Required: c.Required, Mask: c.Mask.String(), Token: tokenOf(c)})
		for _, inside := range c.Inside {
			list = append(list, Column{Name: c.Name + "." + inside.Path, Mask: inside.Mask})
		}
	}
	return list
}

// masks compares how a column and the values inside of it are masked with what is registered. A
// value that only one side declares is compared if the other side stores it as a part of something
// larger.
func (c *comparison) masks(want contract.Column) {
	registered, described := within(want.Name, c.database.Table.Columns), within(want.Name, Describe(c.table))
	compared := map[string]bool{}
	for _, entry := range slices.Concat(described, registered) {
		known, isKnown := MaskAt(registered, entry.Name)
		wanted, isWanted := MaskAt(described, entry.Name)
		if compared[entry.Name] {
			continue
		}
		compared[entry.Name] = true
		switch {
		case isKnown && isWanted && known != wanted:
			c.add(entry.Name, Refused, "%s and the contract says %s: keep the mask, or use another x-column, so that no column holds both", holds(known), wanted)
		case isWanted && !isKnown:
			c.add(entry.Name, Migrates, "is in the contract but was not when the table was migrated: run sqs2pg migrate, so that its mask is known")
		}
	}
}

// within returns the entries of a column and of the values inside of it.
func within(column string, entries []Column) []Column {
	return slices.DeleteFunc(slices.Clone(entries), func(e Column) bool {
		return e.Name != column && !strings.HasPrefix(e.Name, column+".")
	})
}

// isInner reports whether there are entries for values inside of the one with this name.
func isInner(entries []Column, name string) bool {
	return slices.ContainsFunc(entries, func(e Column) bool { return strings.HasPrefix(e.Name, name+".") })
}

// MaskAt returns how the value with this name, COLUMN or COLUMN.PATH, is masked by the entries: by
// its own entry, by that of a more general place that takes the value, or by that of the value that
// it is a part of. A value with entries inside of it and without its own is not masked. It is false
// if the value is not stored.
func MaskAt(entries []Column, name string) (string, bool) {
	at, rest, _ := strings.Cut(name, ".")
	for {
		i := slices.IndexFunc(entries, func(e Column) bool { return e.Name == at })
		inner := isInner(entries, at)
		switch {
		case i >= 0 && (rest == "" || !inner):
			return entries[i].Mask, true
		case rest == "" && inner:
			return mask.None.String(), true
		case !inner:
			return "", false
		}
		var step string
		step, rest, _ = strings.Cut(rest, ".")
		if at = takes(entries, at, step); at == "" {
			return "", false
		}
	}
}

// takes returns the place inside of another one at which a member or an element is stored: its own;
// for an element the one of all elements; for a member the one of its pattern, or else the one of
// all members. It is "" if the value is not stored.
func takes(entries []Column, at, step string) string {
	general := []string{step}
	switch {
	case strings.HasPrefix(step, "["):
		general = append(general, "*")
	case step == "*" || step == "{*}":
	case strings.HasPrefix(step, "{"):
		general = append(general, "{*}")
	default:
		general = append(append(general, patterns(entries, at, step)...), "{*}")
	}
	for _, place := range general {
		place = at + "." + place
		if isInner(entries, place) || slices.ContainsFunc(entries, func(e Column) bool { return e.Name == place }) {
			return place
		}
	}
	return ""
}

// patterns returns the steps {PATTERN} inside of a place whose pattern matches the name of a member.
func patterns(entries []Column, at, step string) (matching []string) {
	if !strings.HasPrefix(step, "~0") && !strings.HasPrefix(step, "~1") {
		step = strings.TrimPrefix(step, "~")
	}
	name := unescape.Replace(step)
	for _, e := range entries {
		inside, ok := strings.CutPrefix(e.Name, at+".{")
		pattern, _, closed := strings.Cut(inside, "}.")
		if !closed {
			pattern, closed = strings.CutSuffix(inside, "}")
		}
		if !ok || !closed || pattern == "*" {
			continue
		}
		if re, err := regexp.Compile(unescape.Replace(pattern)); err != nil || re.MatchString(name) {
			matching = append(matching, "{"+pattern+"}")
		}
	}
	return matching
}

// unescape is the text of a name or a pattern in a path; see [contract.Inside].
var unescape = strings.NewReplacer("~1", ".", "~0", "~")
