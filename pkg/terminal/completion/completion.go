// Package completion writes shell completion scripts for a command line that kong parses.
//
// A script is made from kong's own model of the command line, so it needs no list that could fall
// behind, and it does not run the program at every press of the tab key. It imports nothing of the
// project.
package completion

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Write writes a script that completes the commands, flags and enumerated values of a program in a
// shell: bash, zsh or fish.
func Write(w io.Writer, program *kong.Application, shell string) {
	commands := listCommands(program.Node, "")
	switch shell {
	case "fish":
		writeFish(w, program.Name, commands)
	case "zsh":
		fmt.Fprint(w, "autoload -Uz compinit bashcompinit && compinit && bashcompinit\n")
		fallthrough
	default:
		writeBash(w, program.Name, commands)
	}
}

// completed is what can be completed after the words of a command.
type completed struct {
	path     string // "dlq list"; "" for the program
	children []*kong.Node
	flags    []*kong.Flag
	values   []string // of its argument, if they are enumerated
}

func listCommands(node *kong.Node, path string) []completed {
	c := completed{path: path}
	for _, group := range node.AllFlags(true) {
		c.flags = append(c.flags, group...)
	}
	slices.SortFunc(c.flags, func(a, b *kong.Flag) int { return strings.Compare(a.Name, b.Name) })
	for _, p := range node.Positional {
		c.values = append(c.values, p.EnumSlice()...)
	}
	var inner []completed
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			c.children = append(c.children, child)
			inner = append(inner, listCommands(child, strings.TrimSpace(path+" "+child.Name))...)
		}
	}
	return append([]completed{c}, inner...)
}

func (c *completed) words() []string {
	words := slices.Clone(c.values)
	for _, child := range c.children {
		words = append(words, child.Name)
	}
	for _, f := range c.flags {
		words = append(words, "--"+f.Name)
	}
	return words
}

// writeBash completes enumerated values of flags. It leaves other values to the shell, which
// completes file names.
func writeBash(w io.Writer, program string, commands []completed) {
	var paths, words, values, enums []string
	for _, c := range commands {
		if c.path != "" {
			paths = append(paths, fmt.Sprintf("%q", c.path))
		}
		words = append(words, fmt.Sprintf("    %q) words=%q ;;", c.path, strings.Join(c.words(), " ")))
		for _, f := range c.flags {
			if len(f.EnumSlice()) > 1 {
				enums = append(enums, fmt.Sprintf("    %q) words=%q ;;", c.path+" --"+f.Name, strings.Join(f.EnumSlice(), " ")))
			} else if !f.IsBool() {
				values = append(values, "--"+f.Name)
			}
		}
	}
	slices.Sort(values)
	fmt.Fprintf(w, bashScript, program, strings.Join(paths, "|"), strings.Join(slices.Compact(values), "|"), strings.Join(append(enums, words...), "\n"))
}

const bashScript = `_%[1]s() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= word words=
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "${path:+$path }$word" in
    %[2]s) path="${path:+$path }$word" ;;
    esac
  done
  case $previous in
  %[3]s) return ;;
  esac
  case "$path $previous" in
    *" --"*) word="$path $previous" ;;
    *) word=$path ;;
  esac
  for word in "$word" "$path"; do
    case "$word" in
%[4]s
    esac
    [ -n "$words" ] && break
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _%[1]s %[1]s
`

func writeFish(w io.Writer, program string, commands []completed) {
	for _, c := range commands {
		condition := fishCondition(c)
		for _, child := range c.children {
			fmt.Fprintf(w, "complete -c %s -f -n %s -a %s -d %s\n", program, condition, child.Name, fishQuote(child.Help))
		}
		for _, v := range c.values {
			fmt.Fprintf(w, "complete -c %s -f -n %s -a %s\n", program, condition, v)
		}
		for _, f := range c.flags {
			value := " -r"
			if f.IsBool() {
				value = ""
			}
			if enum := f.EnumSlice(); len(enum) > 1 {
				value = " -x -a " + fishQuote(strings.Join(enum, " "))
			}
			fmt.Fprintf(w, "complete -c %s -n %s -l %s%s -d %s\n", program, condition, f.Name, value, fishQuote(f.Help))
		}
	}
}

// fishCondition is true where the words of the command have been typed and none of its subcommands.
func fishCondition(c completed) string {
	var terms []string
	for _, word := range strings.Fields(c.path) {
		terms = append(terms, "__fish_seen_subcommand_from "+word)
	}
	if len(c.children) > 0 {
		names := make([]string, len(c.children))
		for i, child := range c.children {
			names[i] = child.Name
		}
		terms = append(terms, "not __fish_seen_subcommand_from "+strings.Join(names, " "))
	}
	return fishQuote(strings.Join(terms, "; and "))
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
