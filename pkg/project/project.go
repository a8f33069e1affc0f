// Package project reads sqs2pg.toml, the file that names queue, contract and database once for a
// folder of work.
//
// A key is a variable in lower case: contract stands for CONTRACT. So the file needs no words of its
// own, and what it means is said where the variables are explained. Keys at the top count always,
// keys of a table such as [prod] only in the environment prod. The README has an example.
//
// The file is for sharing, so it may hold no secret. The package imports those that know variables,
// contracts, connection strings and misspelt words.
package project

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sqs2pg/pkg/terminal/variables"
)

// FileName is the name of the file.
const FileName = "sqs2pg.toml"

// MistakeError is something that a person has written wrong. It names file, line and key, and no
// value that may be secret.
type MistakeError struct{ text string }

func (e *MistakeError) Error() string { return e.text }

func mistake(format string, args ...any) error { return &MistakeError{fmt.Sprintf(format, args...)} }

// Find returns the path of the file in dir or in the next folder above that has one; "" if there is
// none. The path is relative to dir where that is short.
func Find(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for folder, up := start, ""; ; folder, up = filepath.Dir(folder), filepath.Join("..", up) {
		if info, err := os.Stat(filepath.Join(folder, FileName)); err == nil && info.Mode().IsRegular() {
			return filepath.Join(dir, up, FileName), nil
		}
		if folder == filepath.Dir(folder) {
			return "", nil
		}
	}
}

// Use reads the file at path and sets the variables that the file has and the environment has not. It
// tells talk which file and environment count, and which variables win over the file. Errors are
// those of Read.
func Use(path, name string, talk io.Writer) error {
	e, err := Read(path, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(talk, "project %s\n", e)
	settings, notes := e.Unset(os.Getenv)
	for _, note := range notes {
		fmt.Fprintf(talk, "note: %s\n", note)
	}
	for _, s := range settings {
		if err := variables.Set(s.Variable, s.Value, s.Place); err != nil {
			return fmt.Errorf("%s: %w", s.Place, err)
		}
	}
	return nil
}

// Setting is one value of the file.
type Setting struct {
	Variable string // that it stands for
	Value    string // a path is relative to the working folder, not to the file's
	Place    string // "sqs2pg.toml:4: database_url"
}

// Environment is the settings that count.
type Environment struct {
	Path string   // of the file
	Name string   // "" for the keys at the top alone
	All  []string // the names of the environments in the file
	set  map[string]Setting
}

// Read reads the file at path. name is the environment; "" means that of default_env, or else the
// keys at the top alone. A mistake is a *MistakeError.
func Read(path, name string) (*Environment, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, name)
}

// Parse is Read for a file whose text is at hand. path is what errors call it, and its paths are
// relative to the folder of path.
func Parse(path string, text []byte, name string) (*Environment, error) {
	f, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	return f.environment(name)
}

func (f *file) environment(name string) (*Environment, error) {
	e := &Environment{Path: f.path, Name: name, All: slices.Sorted(maps.Keys(f.tables)), set: map[string]Setting{}}
	if name == "" && f.fallback != nil {
		e.Name = f.fallback.text
	}
	own, ok := f.tables[e.Name]
	switch {
	case ok || e.Name == "":
	case name == "":
		return nil, mistake("%s:%d: default_env: no environment %q: %s", f.path, f.fallback.line, e.Name, listed(e.All))
	default:
		return nil, mistake("%s has no environment %q: %s", f.path, e.Name, listed(e.All))
	}
	for _, values := range []map[string]value{own, f.top} { // what the environment says replaces the top
		added := map[string]Setting{}
		for name, v := range values {
			if !e.replaces(keys[name]) {
				added[keys[name].variable] = v.setting(f.path, name)
			}
		}
		maps.Copy(e.set, added)
	}
	return e, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "add it as a table such as [prod]"
	}
	return "it has " + strings.Join(names, ", ")
}

// replaces reports whether a setting of e, or another way to say the same, takes the place of a key.
func (e *Environment) replaces(k key) bool {
	return slices.ContainsFunc(append(k.instead, k.variable), func(name string) bool { _, ok := e.set[name]; return ok })
}

// Unset returns the settings that count, in the order of their variables: those whose variable is
// not set, nor another that says the same. notes says which variables are used instead of the file.
func (e *Environment) Unset(getenv func(string) string) (settings []Setting, notes []string) {
	for _, name := range slices.Sorted(maps.Keys(e.set)) {
		s := e.set[name]
		k := keys[strings.ToLower(strings.TrimPrefix(name, "SQS2PG_"))]
		set := slices.IndexFunc(append([]string{name}, k.instead...), func(name string) bool { return getenv(name) != "" })
		switch {
		case s.Value == "":
		case set < 0:
			settings = append(settings, s)
		case getenv(name) != s.Value:
			notes = append(notes, fmt.Sprintf("the variable %s is set and wins over %s", append([]string{name}, k.instead...)[set], s.Place))
		}
	}
	return settings, notes
}

// String says which file and environment it is.
func (e *Environment) String() string {
	switch {
	case e.Name != "":
		return e.Path + ", environment " + e.Name
	case len(e.All) > 0:
		return e.Path + ", no environment: choose one by --env: " + strings.Join(e.All, ", ")
	}
	return e.Path
}
