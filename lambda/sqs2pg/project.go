package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/project"
	"sqs2pg/pkg/terminal/variables"
)

// withoutProject are the commands that read no project file: what they do is on this machine alone,
// or needs no settings.
var withoutProject = []string{"run", "sqs", "completion", "version"}

// readProject sets the variables that the project file has and the environment has not. kong calls
// it once it knows the command, and before it reads variables.
func (s *streams) readProject(k *kong.Context) error {
	var command string
	given := map[string]*kong.Flag{}
	for _, p := range k.Path {
		if p.Command != nil && command == "" {
			command = p.Command.Name
		}
		if p.Flag != nil {
			given[p.Flag.Name] = p.Flag
		}
	}
	without := slices.Contains(withoutProject, command)
	for _, flag := range k.Model.Flags {
		flag.Hidden = flag.Hidden || without && flag.Name == "env"
	}
	name, from := os.Getenv("SQS2PG_ENV"), "SQS2PG_ENV"
	if flag := given["env"]; flag != nil {
		name, from = k.FlagValue(flag).(string), "--env"
	}
	switch {
	case command == "" || given["help"] != nil || without && from != "--env":
		return nil
	case without:
		return misuse("--env: sqs2pg %s reads no %s: leave it out", command, project.FileName)
	}
	path, err := project.Find(s.dir)
	switch {
	case err != nil:
		return err
	case path != "":
		return s.useProject(path, name)
	case name != "":
		return misuse("%s: no %s in this folder or one above: write one, or leave it out", from, project.FileName)
	}
	return nil
}

// useProject makes the folder of the project file the one that holds .sqs2pg, too.
func (s *streams) useProject(path, name string) error {
	e, err := project.Read(path, name)
	if mistake, ok := errors.AsType[*project.MistakeError](err); ok {
		return misuse("%w", mistake)
	}
	if err != nil {
		return err
	}
	s.dir = filepath.Dir(path)
	fmt.Fprintf(s.err, "project %s\n", e)
	settings, notes := e.Unset(os.Getenv)
	for _, note := range notes {
		fmt.Fprintf(s.err, "note: %s\n", note)
	}
	for _, setting := range settings {
		if err := variables.Set(setting.Variable, setting.Value, setting.Place); err != nil {
			return fmt.Errorf("%s: %w", setting.Place, err)
		}
	}
	return nil
}
