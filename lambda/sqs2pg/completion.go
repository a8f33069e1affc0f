package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints a script that completes this command line, made from the command line's own model.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help is shown below the flags.
func (c *completionCommand) Help() string {
	return `bash: eval "$(sqs2pg completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc; fish: sqs2pg completion fish > ~/.config/fish/completions/sqs2pg.fish`
}

func (c *completionCommand) Run(k *kong.Kong, s *streams) error {
	commands := listCommands(k.Model.Node, "")
	switch c.Shell {
	case "fish":
		writeFish(s.out, commands)
	case "zsh":
		fmt.Fprint(s.out, "autoload -Uz compinit bashcompinit && compinit && bashcompinit\n")
		fallthrough
	default:
		writeBash(s.out, commands)
	}
	return nil
}

// completed is a command as a completion sees it.
type completed struct {
	path     string // "dlq list"; "" for the program
	children []*kong.Node
	flags    []*kong.Flag
	values   []string // of its argument, if these are few
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

// writeBash leaves the values of flags to the shell's own completion of file names, but for those that are one of a few.
func writeBash(w io.Writer, commands []completed) {
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
	fmt.Fprintf(w, bashScript, strings.Join(paths, "|"), strings.Join(slices.Compact(values), "|"), strings.Join(append(enums, words...), "\n"))
}

const bashScript = `_sqs2pg() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= word words=
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "${path:+$path }$word" in
    %s) path="${path:+$path }$word" ;;
    esac
  done
  case $previous in
  %s) return ;;
  esac
  case "$path $previous" in
    *" --"*) word="$path $previous" ;;
    *) word=$path ;;
  esac
  for word in "$word" "$path"; do
    case "$word" in
%s
    esac
    [ -n "$words" ] && break
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sqs2pg sqs2pg
`

func writeFish(w io.Writer, commands []completed) {
	for _, c := range commands {
		condition := fishCondition(c)
		for _, child := range c.children {
			fmt.Fprintf(w, "complete -c sqs2pg -f -n %s -a %s -d %s\n", condition, child.Name, fishQuote(child.Help))
		}
		for _, v := range c.values {
			fmt.Fprintf(w, "complete -c sqs2pg -f -n %s -a %s\n", condition, v)
		}
		for _, f := range c.flags {
			value := " -r"
			if f.IsBool() {
				value = ""
			}
			if enum := f.EnumSlice(); len(enum) > 1 {
				value = " -x -a " + fishQuote(strings.Join(enum, " "))
			}
			fmt.Fprintf(w, "complete -c sqs2pg -n %s -l %s%s -d %s\n", condition, f.Name, value, fishQuote(f.Help))
		}
	}
}

// fishCondition holds where the words of the command have been typed, and no subcommand yet.
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
