package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct {
	jsonFlag `embed:""`
}

// Run prints the module's version, or the commit of a build that has no version, and what it was
// built for.
func (c *versionCommand) Run(s *streams) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" && version == "(devel)" {
				version = setting.Value
			}
		}
	}
	if c.JSON {
		return encode(s, map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(s.Out, "sqs2pg %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
