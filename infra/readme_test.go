package infra_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sqs2pg/pkg/mask"
)

var update = flag.Bool("update", false, "write the tables of README.md and the picture")

// The tables of the README are between comments, <!-- parameters --> to <!-- end -->. The template
// is their source.
func TestReadmeTablesFollowTheTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	tpl := load(t, template)
	want := between(t, string(text), "parameters", parameterTable(t, tpl))
	want = between(t, want, "outputs", outputTable(tpl))
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	equal(t, "README.md; make infra-docs writes it", want, string(text))
}

func TestContractsPageNamesEveryKeyword(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("CONTRACTS.md")
	if err != nil {
		t.Fatal(err)
	}
	// YAML reads JSON too.
	keywords := load(t, "../pkg/contract/schema/vocabulary.json")["properties"].(object)
	for name := range keywords {
		if strings.HasPrefix(name, "x-") && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("CONTRACTS.md does not explain %s", name)
		}
	}
	for _, kind := range mask.Kinds() {
		if !strings.Contains(string(page), "`"+kind+"`") {
			t.Errorf("CONTRACTS.md does not explain the mask %s", kind)
		}
	}
}

func between(t *testing.T, text, name, table string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, "<!-- "+name+" -->\n")
	_, after, closed := strings.Cut(rest, "<!-- end -->")
	if !ok || !closed {
		t.Fatalf("README.md has no place for %s", name)
	}
	return before + "<!-- " + name + " -->\n" + table + "<!-- end -->" + after
}

func parameterTable(t *testing.T, tpl object) string {
	var b strings.Builder
	b.WriteString("| Parameter | Default | Values | Meaning |\n| --- | --- | --- | --- |\n")
	for _, name := range grouped(t, tpl) {
		p := at(t, tpl, "Parameters", name).(object)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, code(p["Default"]), values(p), p["Description"])
	}
	return b.String()
}

func outputTable(tpl object) string {
	var b strings.Builder
	b.WriteString("| Output | Meaning |\n| --- | --- |\n")
	outputs := tpl["Outputs"].(object)
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, outputs[name].(object)["Description"])
	}
	return b.String()
}

func code(v any) string {
	switch v {
	case nil:
		return "none"
	case "":
		return "empty"
	}
	return fmt.Sprintf("`%v`", v)
}

// values are those that a parameter may have: a list, a range, or a pattern.
func values(p object) string {
	if list, ok := p["AllowedValues"].([]any); ok {
		var names []string
		for _, v := range list {
			names = append(names, code(v))
		}
		return strings.Join(names, ", ")
	}
	if p["MinValue"] != nil {
		return fmt.Sprintf("%v to %v", p["MinValue"], p["MaxValue"])
	}
	return cmp.Or(strings.ReplaceAll(fmt.Sprintf("`%v`", cmp.Or[any](p["AllowedPattern"], "any")), "|", "\\|"), "any")
}
