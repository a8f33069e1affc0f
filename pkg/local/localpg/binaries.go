package localpg

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// oldest is the first major version with gen_random_uuid() built in, which our migrations use.
const oldest = 13

// binaries is a folder with initdb and postgres in it that the account can run.
type binaries struct {
	dir     string
	major   int
	account *account
}

// places are where packages put Postgres: Debian, Red Hat, its own make install, Homebrew on both kinds of Mac, Postgres.app.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/local/pgsql/bin",
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// findBinaries takes the ones that made the data, if there are data; else those in PATH, else the newest on the machine,
// else it fetches them.
func findBinaries(ctx context.Context, h home) (binaries, error) {
	made, err := h.version()
	if err != nil {
		return binaries{}, err
	}
	found := installed(ctx, h.account)
	if made == "" && len(found) > 0 {
		return found[0], nil
	}
	for _, b := range found {
		if strconv.Itoa(b.major) == made {
			return b, nil
		}
	}
	if made != "" && made != fetchedMajor {
		return binaries{}, fmt.Errorf("%w: %s needs Postgres %s: install that version, or remove the folder to start empty", ErrVersion, h.path, made)
	}
	return fetch(ctx, h.account)
}

// installed lists what is on the machine, best first.
func installed(ctx context.Context, a *account) []binaries {
	var found []binaries
	for _, pattern := range places {
		dirs, _ := filepath.Glob(pattern) // the patterns are constants: it cannot fail
		for _, dir := range dirs {
			if b, err := inspect(ctx, dir, a); err == nil {
				found = append(found, b)
			}
		}
	}
	slices.SortStableFunc(found, func(x, y binaries) int { return cmp.Compare(y.major, x.major) })
	if path, err := exec.LookPath("postgres"); err == nil {
		if b, err := inspect(ctx, filepath.Dir(path), a); err == nil {
			found = append([]binaries{b}, found...)
		}
	}
	return found
}

var versionOutput = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect runs both programs as the account, which shows that it can reach them and that they are new enough.
func inspect(ctx context.Context, dir string, a *account) (binaries, error) {
	b := binaries{dir: dir, account: a}
	for _, program := range []string{"initdb", "postgres"} {
		out, err := b.command(ctx, program, "--version").Output()
		if err != nil {
			return b, fmt.Errorf("%s in %s: %w", program, dir, err)
		}
		match := versionOutput.FindSubmatch(out)
		if match == nil {
			return b, fmt.Errorf("%s in %s tells no version", program, dir)
		}
		if b.major, _ = strconv.Atoi(string(match[1])); b.major < oldest {
			return b, fmt.Errorf("%s in %s is older than Postgres %d", program, dir, oldest)
		}
	}
	return b, nil
}
