// Package pkg_test checks the shape of the tree: which package may import which.
package pkg_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "sqs2pg/"

// order lists every package of the module from top to bottom. A package may import only packages
// below it. Put a new package above all packages that it imports, and as low as possible.
var order = []string{
	// programs
	"lambda/sqs2pg",
	"lambda/ingest",
	"lambda/maintain",
	"lambda/migrate",
	"pkg/local/flags", // knows the contracts that come with the programs
	"infra/contracts",
	"infra/withpostgres",

	// what only the command links
	"pkg/stack",
	"pkg/doctor",
	"pkg/vault/reveal",
	"pkg/local/demo",
	"pkg/local/environment",
	"pkg/local/invoker",
	"pkg/local/home",
	"pkg/local/remote",
	"pkg/local/eventsource",
	"pkg/local/runtimeapi",
	"pkg/local/sample",
	"pkg/local/sqsserver/sqstest",
	"pkg/local/sqsserver",
	"pkg/deadletter",
	"pkg/project",
	"pkg/contract/trial",
	"pkg/versions",
	"pkg/contract/generate",
	"pkg/queue/sending",
	"pkg/queue/bodies",
	"pkg/local/account",
	"pkg/vault/open",

	// what the functions link
	"pkg/ingest",
	"pkg/maintain",
	"pkg/migrate",
	"pkg/settings",
	"pkg/postgres/postgrestest",
	"pkg/postgres/login",
	"pkg/postgres/schema",
	"pkg/postgres/guard",
	"pkg/postgres/disclosure",
	"pkg/postgres/registry",
	"pkg/postgres/partitions",
	"pkg/postgres/plan",
	"pkg/postgres",
	"pkg/postgres/calendar",
	"pkg/postgres/statement",
	"pkg/postgres/sqltext",
	"pkg/postgres/event",
	"pkg/postgres/dsn",
	"pkg/postgres/heard",
	"pkg/postgres/sqlstate",
	"pkg/message",
	"pkg/contract/routes",
	"pkg/contract",
	"pkg/contract/stored",
	"pkg/contract/violation",
	"pkg/contract/schema",
	"pkg/contract/schema/shape",
	"pkg/contract/origin",
	"pkg/contract/schema/document",
	"pkg/contract/schema/reference",
	"pkg/contract/masking",
	"pkg/contract/naming",
	"pkg/contract/checks",
	"pkg/contract/scalar",
	"pkg/contract/wire",
	"pkg/contract/table",
	"pkg/mask",
	"pkg/vault",
	"pkg/privacy",
	"pkg/message/envelope",
	"pkg/pattern",

	// packages that import no other package of the module
	"pkg/local/localpg",
	"pkg/queue",
	"pkg/scan",
	"pkg/secrets",
	"pkg/telemetry/leaktest",
	"pkg/telemetry",
	"pkg/terminal/completion",
	"pkg/terminal/exit",
	"pkg/terminal/usage",
	"pkg/terminal/variables",
	"pkg/terminal",
	"infra/bench",
}

// goPackage is the part of `go list -json` that the tests need.
type goPackage struct {
	ImportPath string
	Doc        string // first sentence of the package comment
	Dir        string
	GoFiles    []string // without tests
	Imports    []string // without tests
	Deps       []string // all packages that are linked
}

// name is the import path without the module.
func (p goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// listOnce returns the packages of the module that have files besides tests.
var listOnce = sync.OnceValues(func() ([]goPackage, error) {
	// go test repeats a cached result until something changes in a folder that the test itself read.
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "list", "-json=ImportPath,Doc,Dir,GoFiles,Imports,Deps", module+"...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		if len(p.GoFiles) > 0 {
			packages = append(packages, p)
		}
	}
})

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	packages, err := listOnce()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func TestImportsPointDownwards(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range listPackages(t) {
		names = append(names, p.name())
		above := slices.Index(order, p.name())
		if above < 0 {
			t.Errorf("%s is not in the order: add it above the packages that it imports", p.name())
			continue
		}
		for _, imported := range p.Imports {
			name, ours := strings.CutPrefix(imported, module)
			if below := slices.Index(order, name); ours && below >= 0 && below <= above {
				t.Errorf("%s imports %s, which is above it", p.name(), name)
			}
		}
	}
	for _, name := range order {
		if !slices.Contains(names, name) {
			t.Errorf("%s is in the order, but there is no such package", name)
		}
	}
}

// TestFunctionsLinkNoMoreThanTheyNeed checks that the functions link nothing that plays AWS on a
// developer's machine or opens the vault, and that ingest links nothing that changes a schema.
func TestFunctionsLinkNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	const local, opens = module + "pkg/local", module + "pkg/vault/open"
	forbidden := map[string][]string{
		"lambda/ingest":   {local, opens, "github.com/aws/aws-sdk-go-v2/service/kms", module + "pkg/postgres/schema", module + "pkg/postgres/partitions", "github.com/pressly/goose/v3"},
		"lambda/maintain": {local, opens},
		"lambda/migrate":  {local, opens, module + "pkg/postgres", module + "pkg/contract", "github.com/jackc/pgx/v5"},
	}
	for _, p := range listPackages(t) {
		prefixes, isFunction := forbidden[p.name()]
		if !isFunction {
			continue
		}
		delete(forbidden, p.name())
		for _, linked := range p.Deps {
			for _, prefix := range prefixes {
				if strings.HasPrefix(linked, prefix) {
					t.Errorf("%s links %s", p.name(), linked)
				}
			}
		}
	}
	if len(forbidden) > 0 {
		t.Errorf("not found: %v", forbidden)
	}
}

func TestOnlyPostgresPackagesImportPgx(t *testing.T) {
	t.Parallel()
	found := false
	for _, p := range listPackages(t) {
		inside := p.name() == "pkg/postgres" || strings.HasPrefix(p.name(), "pkg/postgres/")
		for _, imported := range p.Imports {
			pgx := strings.HasPrefix(imported, "github.com/jackc/pgx/")
			found = found || pgx
			if pgx && !inside {
				t.Errorf("%s imports %s: only pkg/postgres and the packages below it may", p.name(), imported)
			}
		}
	}
	if !found {
		t.Error("no package imports pgx, so this test shows nothing")
	}
}

func TestEachPackageCommentSaysWhatThePackageIs(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		base := filepath.Base(p.Dir)
		program := strings.ToUpper(base[:1]) + base[1:] + " "
		if !strings.HasPrefix(p.Doc, "Package "+base+" ") && !strings.HasPrefix(p.Doc, program) {
			t.Errorf("%s: its comment begins %q, want a sentence that begins with the package's name", p.name(), p.Doc)
		}
	}
}

func TestPackagesStaySmall(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		files, lines := 14, 1500
		switch p.name() {
		case "lambda/sqs2pg":
			files, lines = 40, 1700 // a file for each command
		case "pkg/local/sqsserver":
			continue // the SQS API has many calls, and all of them share the queue
		}
		if n := len(p.GoFiles); n > files {
			t.Errorf("%s has %d files, want at most %d: split it", p.name(), n, files)
		}
		if n := p.countLines(t); n > lines {
			t.Errorf("%s has %d lines, want at most %d: split it", p.name(), n, lines)
		}
	}
}

// countLines returns the number of lines in the files of the package that are not tests.
func (p goPackage) countLines(t *testing.T) int {
	t.Helper()
	lines := 0
	for _, file := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	return lines
}
