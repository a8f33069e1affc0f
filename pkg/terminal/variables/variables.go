// Package variables gives the flags of a command line their environment variables, for a command
// line that kong parses.
//
// A flag may have two variables: its own, after its name, and one that other programs know, such as
// AWS_ENDPOINT_URL. Both mean the same everywhere, and an error names the one that was used. It
// imports nothing of the project.
package variables

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/alecthomas/kong"
)

// Prefix starts the own variables of flags: SQS2PG_BATCH_SIZE is that of --batch-size.
const Prefix = "SQS2PG_"

// Own gives every flag its own variable. It wins over another that the flag may have.
var Own = kong.PostBuild(func(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && flag.Name != "help" {
			flag.Envs = append([]string{own(flag.Name)}, flag.Envs...)
			flag.Tag.Envs = flag.Envs
		}
		return next(nil)
	})
})

func own(flag string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Help is a flag's help. It names the flag's other variables, besides its own.
func Help(v *kong.Value) string {
	shown, tag := *v, *v.Tag
	tag.Envs = slices.DeleteFunc(slices.Clone(tag.Envs), func(name string) bool { return strings.HasPrefix(name, Prefix) })
	shown.Tag = &tag
	return kong.DefaultHelpValueFormatter(&shown)
}

// Typed returns a flag that is on the command line, or nil.
func Typed(k *kong.Context, name string) *kong.Flag {
	for _, p := range k.Path {
		if p.Flag != nil && p.Flag.Name == name {
			return p.Flag
		}
	}
	return nil
}

// places are where Set has variables from: they belong to the process, as the variables do.
var places sync.Map

// Set gives a variable a value from elsewhere, such as a line of a file. place names it for Source
// and Explain.
func Set(name, value, place string) error {
	places.Store(name, place)
	return os.Setenv(name, value)
}

// Source names where the value of a flag, such as --batch-size, came from: its own variable, one of
// the others, the place that Set was told, or the flag itself.
func Source(flag, value string, others ...string) string {
	for _, name := range append([]string{own(strings.TrimPrefix(flag, "--"))}, others...) {
		if value != "" && os.Getenv(name) == value {
			if place, ok := places.Load(name); ok {
				return place.(string)
			}
			return name
		}
	}
	return flag
}

// Again is a flag as it stands in a command that a person is to paste, with a space before it:
// " --queue logins". It is "" without a value, and if a variable has that value: the pasted command
// reads the variable, too. Never give it a secret.
func Again(flag, value string, others ...string) string {
	if value == "" || Source(flag, value, others...) != flag {
		return ""
	}
	if !plain.MatchString(value) {
		value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
	}
	return " " + flag + " " + value
}

// plain is a value that needs no quotes in a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:,@%+=-]+$`)

var word = regexp.MustCompile(`\b[A-Z][A-Z0-9_]+\b`)

// Explain adds to a text where the variables in it come from, if Set has set them.
func Explain(text string) string {
	var from []string
	for _, name := range word.FindAllString(text, -1) {
		if place, ok := places.Load(name); ok && !slices.Contains(from, place.(string)) {
			from = append(from, place.(string))
		}
	}
	if from == nil {
		return text
	}
	return text + " (see " + strings.Join(from, ", ") + ")"
}
