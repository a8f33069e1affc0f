package main

import (
	"errors"
	"sync"

	"github.com/alecthomas/kong"

	"sqs2pg/pkg/project"
	"sqs2pg/pkg/terminal/exit"
	"sqs2pg/pkg/terminal/variables"
)

// withoutProject are the commands that read no project file: what they do is on this machine alone,
// or needs no settings.
var withoutProject = []string{"run", "sqs", "completion", "version"}

// readProject returns a hook that sets the variables that the project file has and the environment
// has not. kong calls it when it knows the command and has not read variables, once for the command
// and for each flag. The folder of the file is that of .sqs2pg, too.
func readProject(s *streams) func(*kong.Context) error {
	var once sync.Once
	return func(k *kong.Context) (err error) {
		once.Do(func() {
			s.Dir, err = project.UseFor(k, s.Dir, withoutProject, s.Err)
			if flag := variables.Typed(k, "env"); flag != nil {
				s.Env = k.FlagValue(flag).(string)
			}
		})
		if mistake, ok := errors.AsType[*project.MistakeError](err); ok {
			return exit.AsMisuse(mistake)
		}
		return err
	}
}
