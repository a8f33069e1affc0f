package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/project"
)

// withoutProject are the commands that read no project file: what they do is on this machine alone,
// or needs no settings.
var withoutProject = []string{"run", "sqs", "completion", "version"}

// typed returns a flag that is on the command line, or nil.
func typed(k *kong.Context, name string) *kong.Flag {
	for _, p := range k.Path {
		if p.Flag != nil && p.Flag.Name == name {
			return p.Flag
		}
	}
	return nil
}

// readProject returns a hook that sets the variables that the project file has and the environment
// has not. kong calls it when it knows the command and has not read variables, once for the command
// and for each flag.
func (s *streams) readProject() func(*kong.Context) error {
	var once sync.Once
	return func(k *kong.Context) (err error) {
		once.Do(func() { err = s.findProject(k) })
		return err
	}
}

func (s *streams) findProject(k *kong.Context) error {
	var command string
	for _, p := range k.Path {
		if p.Command != nil && command == "" {
			command = p.Command.Name
		}
	}
	without := slices.Contains(withoutProject, command)
	for _, flag := range k.Model.Flags {
		flag.Hidden = flag.Hidden || without && flag.Name == "env"
	}
	name, from := os.Getenv("SQS2PG_ENV"), "SQS2PG_ENV"
	if flag := typed(k, "env"); flag != nil {
		name, from = k.FlagValue(flag).(string), "--env"
	}
	switch {
	case command == "" || typed(k, "help") != nil || without && from != "--env":
		return nil
	case without:
		return misuse("--env: sqs2pg %s reads no %s: leave it out", command, project.FileName)
	}
	path, err := project.Find(s.dir)
	switch {
	case err != nil:
		return err
	case path == "" && name != "":
		return misuse("%s: no %s in this folder or one above: write one, or leave it out", from, project.FileName)
	case path == "":
		return nil
	}
	s.dir = filepath.Dir(path) // the folder of .sqs2pg, too
	err = project.Use(path, name, s.err)
	if mistake, ok := errors.AsType[*project.MistakeError](err); ok {
		return misuseError{mistake}
	}
	return err
}
