package postgres_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Pool.Pgx and pgx itself are for pkg/postgres and the packages below it. Elsewhere only tests may
// use them.
func TestOnlyPostgresPackagesUsePgx(t *testing.T) {
	t.Parallel()
	module := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, _ := filepath.Rel(module, path)
		if entry.IsDir() && (inside == filepath.Join("pkg", "postgres") || inside == "build" || len(inside) > 1 && strings.HasPrefix(entry.Name(), ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		if usesPgx(parsed) {
			t.Errorf("%s uses pgx: do it in pkg/postgres, or a package below it", inside)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were read", files)
	}
}

func usesPgx(file *ast.File) (uses bool) {
	for _, i := range file.Imports {
		uses = uses || strings.HasPrefix(i.Path.Value, `"github.com/jackc/pgx`)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		uses = uses || ok && selector.Sel.Name == "Pgx"
		return true
	})
	return uses
}
