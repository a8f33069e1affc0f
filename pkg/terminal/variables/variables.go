// Package variables gives the flags of a command line their environment variables, for a command
// line that kong parses.
//
// A flag may have two variables: its own, after its name, and one that other programs know, such as
// AWS_ENDPOINT_URL. Both mean the same everywhere, and an error names the one that was used. It
// imports nothing of the project.
package variables

import (
	"os"
	"slices"
	"strings"

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

// Source names where the value of a flag, such as --batch-size, came from: its own variable, one of
// the others, or the flag itself.
func Source(flag, value string, others ...string) string {
	for _, name := range append([]string{own(strings.TrimPrefix(flag, "--"))}, others...) {
		if value != "" && os.Getenv(name) == value {
			return name
		}
	}
	return flag
}
