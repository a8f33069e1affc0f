// Package usage explains mistakes on a command line that kong parses: each error says what is wrong
// and what to type instead, in the words of a person who uses the command.
//
// kong's own errors name types and tokens. This package knows their form, and what people often type
// elsewhere, such as one dash or the word help. It imports nothing of the project.
package usage

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Args returns the arguments that a person means by the words help and version where other programs
// have them: help COMMAND is COMMAND --help.
func Args(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && (args[0] == "--version" || args[0] == "-v" || args[0] == "-V"):
		return []string{"version"}
	}
	return args
}

// Explain returns one line about an error of Parse for these arguments.
func Explain(model *kong.Application, err error, args []string) string {
	m := mistake{model: model, at: model.Node, args: args}
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil && p.Context.Selected() != nil {
		m.at = p.Context.Selected()
	}
	for _, r := range rules {
		if found := r.pattern.FindStringSubmatch(err.Error()); found != nil {
			if text := r.explain(&m, found); text != "" {
				return text
			}
		}
	}
	return err.Error() + ": " + m.help()
}

type mistake struct {
	model *kong.Application
	at    *kong.Node // the command that was recognized
	args  []string
}

// help says where to look.
func (m *mistake) help() string { return "see " + m.at.FullPath() + " --help" }

var rules = []struct {
	pattern *regexp.Regexp
	explain func(m *mistake, found []string) string
}{
	{regexp.MustCompile(`^unexpected argument (.*?)(?:, did you mean (?:one of )?(.*)\?)?$`), (*mistake).unexpected},
	{regexp.MustCompile(`^unknown flag (.*?)(?:, did you mean (?:one of )?(.*)\?)?$`), (*mistake).unknownFlag},
	{regexp.MustCompile(`^(--[a-z-]+)\S*: expected \w+ value but got "(.*?)" \(`), func(m *mistake, found []string) string {
		if strings.HasPrefix(found[2], "-") {
			return fmt.Sprintf("%s has no value: %s comes next, which is a flag itself", found[1], found[2])
		}
		return fmt.Sprintf("%s has no value: %s", found[1], m.help())
	}},
	{regexp.MustCompile(`^(--[a-z-]+)\S*: expected duration but got "(.*?)".*$`), func(_ *mistake, found []string) string {
		return fmt.Sprintf("%s: %s is not a duration: write it with a unit, such as 30s, 5m or 1h", source(found), found[2])
	}},
	{regexp.MustCompile(`^(--[a-z-]+)\S*: expected an? (?:valid \d+ bit )?u?int but got "(.*?)".*$`), func(_ *mistake, found []string) string {
		return fmt.Sprintf("%s: %s is not a whole number", source(found), found[2])
	}},
	{regexp.MustCompile(`^missing flags: (.*)$`), func(m *mistake, found []string) string {
		return fmt.Sprintf("%s is missing: %s", strings.ReplaceAll(found[1], "=", " "), m.help())
	}},
	{regexp.MustCompile(`^expected one of (.*)$`), func(m *mistake, found []string) string {
		return fmt.Sprintf("half a command: type %s and one of %s", m.at.FullPath(), strings.ReplaceAll(found[1], `"`, ""))
	}},
	{regexp.MustCompile(`^expected "<.*"$`), func(m *mistake, _ []string) string {
		return fmt.Sprintf("an argument is missing: type %s%s", m.at.FullPath(), m.arguments())
	}},
}

var fromVariable = regexp.MustCompile(`\(from envar (\w+)=`)

// source is the variable that a value came from, or else the flag.
func source(found []string) string {
	if v := fromVariable.FindStringSubmatch(found[0]); v != nil {
		return v[1]
	}
	return found[1]
}

// unexpected explains a word where no word, or another, must be.
func (m *mistake) unexpected(found []string) string {
	word := found[1]
	if strings.Contains(word, "://") { // it may hold a password
		return "unexpected argument, a URL: give it by its flag: " + m.help()
	}
	if slices.ContainsFunc(m.at.Flags, func(f *kong.Flag) bool { return f.Name == "subject-file" }) { // it may be a person
		return "unexpected argument: a person stands in a file for --subject-file, or on standard input: " + m.help()
	}
	if len(m.commands()) == 0 {
		return fmt.Sprintf("unexpected argument %s: %s", word, m.help())
	}
	if found[2] != "" {
		return fmt.Sprintf("unknown command %s: did you mean %s?", word, strings.ReplaceAll(found[2], `"`, ""))
	}
	for _, leaf := range m.model.Leaves(true) {
		path := strings.TrimPrefix(leaf.FullPath(), m.model.Name+" ")
		if strings.EqualFold(leaf.Name, word) {
			return fmt.Sprintf("unknown command %s: did you mean %s?", word, path)
		}
	}
	return fmt.Sprintf("unknown command %s: the commands are %s", word, strings.Join(m.commands(), ", "))
}

// commands are the names of the commands that may come next.
func (m *mistake) commands() (names []string) {
	for _, child := range m.at.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

func (m *mistake) unknownFlag(found []string) string {
	flag := found[1]
	for _, arg := range m.args { // -queue is read as -q
		if name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "="); strings.HasPrefix(arg, flag) && !strings.HasPrefix(arg, "--") && m.hasFlag(name) {
			return fmt.Sprintf("unknown flag -%s: did you mean --%[1]s?", name)
		}
	}
	switch {
	case found[2] != "" && strings.HasPrefix(flag, "--"):
		return fmt.Sprintf("unknown flag %s: did you mean %s?", flag, strings.ReplaceAll(found[2], `"`, ""))
	case len(m.commands()) > 0 && m.hasFlag(strings.TrimPrefix(flag, "--")):
		return fmt.Sprintf("%s is a flag of a command: write it after the command", flag)
	}
	return fmt.Sprintf("unknown flag %s: %s", flag, m.help())
}

// arguments are the required arguments of the command, those that were given included.
func (m *mistake) arguments() (text string) {
	for _, p := range m.at.Positional {
		if p.Required {
			text += " " + p.Summary()
		}
	}
	return text
}

// hasFlag reports whether the command, or one below it, has a flag of that name.
func (m *mistake) hasFlag(name string) bool {
	return hasFlag(m.at, name)
}

func hasFlag(node *kong.Node, name string) bool {
	return slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Name == name }) ||
		slices.ContainsFunc(node.Children, func(child *kong.Node) bool { return hasFlag(child, name) })
}
