package project

import (
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/terminal/variables"
)

// UseFor is Use for a command line: it finds the file in dir or above it, and the environment in
// the flag --env or the variable SQS2PG_ENV. It returns the folder of the file, or dir where no file
// is used. Call it when kong knows the command and has not read variables.
//
// A command in without reads no file, and neither does one that only prints its help; their help
// does not show --env. Errors are those of Find and Use; an environment without a file is a
// *MistakeError.
func UseFor(k *kong.Context, dir string, without []string, talk io.Writer) (folder string, err error) {
	command := commandOf(k)
	reads := !slices.Contains(without, command)
	for _, flag := range k.Model.Flags {
		flag.Hidden = flag.Hidden || !reads && flag.Name == "env"
	}
	name, from := os.Getenv("SQS2PG_ENV"), "SQS2PG_ENV"
	if flag := variables.Typed(k, "env"); flag != nil {
		name, from = k.FlagValue(flag).(string), "--env"
	}
	switch {
	case command == "" || variables.Typed(k, "help") != nil || !reads && from != "--env":
		return dir, nil
	case !reads:
		return dir, mistake("--env: sqs2pg %s reads no %s: leave it out", command, FileName)
	}
	path, err := Find(dir)
	switch {
	case err != nil:
		return dir, err
	case path == "" && name != "":
		return dir, mistake("%s: no %s in this folder or one above: write one, or leave it out", from, FileName)
	case path == "":
		return dir, nil
	}
	return filepath.Dir(path), Use(path, name, talk)
}

// commandOf returns the name of the first command, "" if there is none.
func commandOf(k *kong.Context) string {
	for _, p := range k.Path {
		if p.Command != nil {
			return p.Command.Name
		}
	}
	return ""
}
