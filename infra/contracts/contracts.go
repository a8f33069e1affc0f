// Package contracts finds the contracts that a program can name: those in the folder contracts
// beside it, where a function's zip has them, and those of this folder, which are inside of every
// program.
package contracts

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Files holds every contract of this folder, each in a file NAME.json.
//
//go:embed *.json
var Files embed.FS

// Folder has the contracts beside this program, and those of Files. Of two with one name it has the
// one beside the program, so that a new contract, or a changed one, needs no compiler.
var Folder = sync.OnceValue(func() fs.FS {
	program, err := os.Executable()
	if err != nil {
		return Files
	}
	return Beside(filepath.Dir(program))
})

// Beside is Folder for a program in dir.
func Beside(dir string) fs.FS { return both{os.DirFS(filepath.Join(dir, "contracts")), Files} }

// both is two folders, of which the first wins.
type both struct{ first, second fs.FS }

// Open implements fs.FS for files.
func (b both) Open(name string) (fs.File, error) {
	file, err := b.first.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return b.second.Open(name)
	}
	return file, err
}

// Glob implements fs.GlobFS.
func (b both) Glob(pattern string) ([]string, error) {
	first, err := fs.Glob(b.first, pattern)
	if err != nil {
		return nil, err
	}
	second, err := fs.Glob(b.second, pattern)
	all := append(first, second...)
	slices.Sort(all)
	return slices.Compact(all), err
}
