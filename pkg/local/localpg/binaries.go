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

// oldest is the oldest major version that we accept: gen_random_uuid(), which our migrations use,
// is built in since Postgres 13.
const oldest = 13

// binaries is a folder that contains initdb and postgres, which the account can run.
type binaries struct {
	dir     string
	major   int
	account *account
}

// installDirs are the folders in which packages install Postgres.
var installDirs = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian
	"/usr/pgsql-*/bin",                                   // Red Hat
	"/usr/local/pgsql/bin",                               // make install
	"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// findBinaries returns the binaries for h. If h has data, they must be of the major version that
// made the data. Otherwise the order is: those in PATH, the newest installed on the machine, and
// those that we download.
func findBinaries(ctx context.Context, h home) (binaries, error) {
	made, err := h.version()
	if err != nil {
		return binaries{}, err
	}
	var found []binaries
	if !h.download {
		found = installed(ctx, h.account)
	}
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

// installed lists the usable binaries on the machine: those in PATH first, then the newest.
func installed(ctx context.Context, a *account) []binaries {
	var found []binaries
	for _, pattern := range installDirs {
		dirs, _ := filepath.Glob(pattern) // fails only for a malformed pattern
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

// inspect runs both programs as the account. It fails if the account cannot run them, or if they
// are too old.
func inspect(ctx context.Context, dir string, a *account) (binaries, error) {
	b := binaries{dir: dir, account: a}
	for _, program := range []string{"initdb", "postgres"} {
		out, err := b.command(ctx, program, "--version").Output()
		if err != nil {
			return b, fmt.Errorf("%s in %s: %w", program, dir, err)
		}
		match := versionOutput.FindSubmatch(out)
		if match == nil {
			return b, fmt.Errorf("%s in %s does not print its version", program, dir)
		}
		if b.major, _ = strconv.Atoi(string(match[1])); b.major < oldest {
			return b, fmt.Errorf("%s in %s is older than Postgres %d", program, dir, oldest)
		}
	}
	return b, nil
}
