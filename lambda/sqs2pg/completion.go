package main

import (
	"github.com/alecthomas/kong"

	"sqs2pg/pkg/terminal/completion"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help is shown below the flags.
func (c *completionCommand) Help() string {
	return `bash: eval "$(sqs2pg completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc; fish: sqs2pg completion fish > ~/.config/fish/completions/sqs2pg.fish`
}

func (c *completionCommand) Run(k *kong.Kong, s *streams) error {
	completion.Write(s.Out, k.Model, c.Shell)
	return nil
}
