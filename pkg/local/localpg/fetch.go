package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	embedded "github.com/fergusstrange/embedded-postgres"
)

const (
	fetchedVersion = embedded.V18
	fetchedMajor   = "18"
)

// downloading lets the first of several concurrent starts download, and the others wait for it.
var downloading sync.Mutex

// fetch returns the downloaded binaries. It downloads them if this machine does not have them yet.
func fetch(ctx context.Context, a *account) (binaries, error) {
	downloading.Lock()
	defer downloading.Unlock()
	dir, err := fetchedDir(a)
	if err != nil {
		return binaries{}, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := download(dir); err != nil {
			return binaries{}, fmt.Errorf("there is no Postgres on this machine, and downloading it failed: install Postgres %d or newer, or set DATABASE_URL: %w", oldest, err)
		}
	}
	if mine, err := ownedBy(dir, uint32(os.Geteuid())); err != nil || !mine {
		return binaries{}, errors.Join(err, fmt.Errorf("%s belongs to another user: remove it", dir))
	}
	return inspect(ctx, filepath.Join(dir, "bin"), a)
}

func fetchedDir(a *account) (string, error) {
	name := "postgres-" + string(fetchedVersion)
	if a != nil { // the account cannot read root's cache folder
		return filepath.Join("/var/tmp", "sqs2pg-"+name), nil
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "sqs2pg", name), err
}

// download puts the binaries into dir. It unpacks them beside dir and renames the result, so dir is
// either complete or absent, even if two processes download at the same time.
func download(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	unpacked := filepath.Join(work, "unpacked")
	if err := unpack(work, unpacked); err != nil {
		return err
	}
	if err := os.Chmod(unpacked, 0o755); err != nil {
		return err
	}
	if err := os.Rename(unpacked, dir); err != nil && !errors.Is(err, fs.ErrExist) && !strings.Contains(err.Error(), "not empty") {
		return err
	}
	return nil
}

// unpack lets the library download, verify and unpack the binaries. The library does so only as the
// first part of starting a server, and its start cannot work as root. We pass it an empty data
// folder that looks initialised: its start then always fails, at once, after the part that we need.
func unpack(work, unpacked string) error {
	// The library downloads with http.DefaultClient, which keeps the connection open.
	defer http.DefaultClient.CloseIdleConnections()
	empty := filepath.Join(work, "empty")
	if err := os.MkdirAll(empty, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(empty, "PG_VERSION"), []byte(fetchedMajor+"\n"), 0o600); err != nil {
		return err
	}
	startErr := embedded.NewDatabase(embedded.DefaultConfig().Version(fetchedVersion).Port(0).Logger(io.Discard).
		CachePath(filepath.Join(work, "archive")).RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(unpacked).DataPath(empty)).Start()
	if _, err := os.Stat(filepath.Join(unpacked, "bin", "postgres")); err != nil {
		return startErr
	}
	return nil
}
