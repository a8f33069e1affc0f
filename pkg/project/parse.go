package project

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"sqs2pg/pkg/contract/schema/document"
)

// file is a whole file that was checked.
type file struct {
	path     string
	fallback *value // default_env
	top      map[string]value
	tables   map[string]map[string]value
}

// value is the value of one key.
type value struct {
	text string
	line int
}

func (v value) setting(path, name string) Setting {
	return Setting{keys[name].variable, fromHere(path, name, v.text), fmt.Sprintf("%s:%d: %s", path, v.line, name)}
}

// parse reads a file. It returns the first mistake.
func parse(path string, text []byte) (*file, error) {
	// The parser below tells lines, and this one finds all that is not TOML, such as a key that is
	// there twice.
	var whole map[string]any
	if err := toml.Unmarshal(text, &whole); err != nil {
		line := 1
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, _ = e.Position()
		}
		return nil, mistake("%s:%d: not TOML: %s", path, line, strings.TrimPrefix(err.Error(), "toml: "))
	}
	f := &file{path: path, top: map[string]value{}, tables: map[string]map[string]value{}}
	in := f.top
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		node := p.Expression()
		names, line := keyOf(&p, node)
		switch node.Kind {
		case unstable.Table:
			if len(names) > 1 {
				return nil, mistake("%s:%d: [%s]: an environment has no tables in it: put its keys under [%s]", path, line, strings.Join(names, "."), names[0])
			}
			in = map[string]value{}
			f.tables[names[0]] = in
		case unstable.KeyValue:
			if err := f.add(in, strings.Join(names, "."), node.Value(), line); err != nil {
				return nil, err
			}
		default:
			return nil, mistake("%s:%d: [[%s]]: write [%[3]s]", path, line, strings.Join(names, "."))
		}
	}
	return f, p.Error()
}

// keyOf returns the parts of the key of a table or of a value, and its line.
func keyOf(p *unstable.Parser, node *unstable.Node) (names []string, line int) {
	for key := node.Key(); key.Next(); {
		names = append(names, string(key.Node().Data))
		line = p.Shape(key.Node().Raw).Start.Line
	}
	return names, line
}

// add checks one key and its value.
func (f *file) add(in map[string]value, name string, node *unstable.Node, line int) error {
	at := fmt.Sprintf("%s:%d: %s", f.path, line, name)
	if instead, ok := secrets[strings.ToLower(name)]; ok {
		return mistake("%s is a secret, and this file is for sharing: %s, or set the variable %s", at, instead, strings.ToUpper(name))
	}
	_, known := keys[name]
	if !known && name != defaultEnv {
		return mistake("%s: unknown key%s", at, suggestion(name))
	}
	v := value{string(node.Data), line}
	switch {
	case node.Kind != unstable.String && node.Kind != unstable.Integer && node.Kind != unstable.Bool:
		return mistake("%s: the value must be a text in quotes", at)
	case strings.ContainsFunc(v.text, func(r rune) bool { return r < ' ' }):
		return mistake("%s: the value has a line break or another control character: remove it", at)
	case name == "database_url" && holdsPassword(v.text):
		return mistake("%s: it holds a password, and this file is for sharing: use database_secret_id, or leave the password to ~/.pgpass, or set the variable DATABASE_URL", at)
	case name != defaultEnv:
		in[name] = v
	case len(f.tables) > 0:
		return mistake("%s: write it above the first table", at)
	default:
		f.fallback = &v
	}
	return nil
}

// suggestion is the end of an error about an unknown key.
func suggestion(name string) string {
	plain := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	if key, ok := flagNames[plain]; ok {
		return fmt.Sprintf(": did you mean %q?", key)
	}
	return document.Suggest(plain, append(slices.Collect(maps.Keys(keys)), defaultEnv))
}
