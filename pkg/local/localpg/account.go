package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user that Postgres runs as; nil means the user of this process.
type account struct {
	name     string
	uid, gid uint32
}

// serverAccount returns the account to run Postgres as. It is nil unless we are root, because
// Postgres refuses to run as root.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return parseAccount(u)
		}
	}
	return nil, errors.New("root cannot run Postgres, and there is no user postgres or nobody: add one of them, or run as another user")
}

func parseAccount(u *user.User) (*account, error) {
	// macOS has negative ids: parse them as int64 and convert.
	uid, uidErr := strconv.ParseInt(u.Uid, 10, 64)
	gid, gidErr := strconv.ParseInt(u.Gid, 10, 64)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("ids of user %s: %w", u.Username, err)
	}
	return &account{name: u.Username, uid: uint32(uid), gid: uint32(gid)}, nil
}

// own makes the account the owner of path; Postgres refuses folders of other users.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// owns reports whether path is a folder of the account. Under /var/tmp every user may create a
// folder with any name, so we must not trust a folder that another user made.
func (a *account) owns(path string) (bool, error) {
	want := uint32(os.Geteuid())
	if a != nil {
		want = a.uid
	}
	return ownedBy(path, want)
}

func ownedBy(path string, uid uint32) (bool, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == uid && info.IsDir(), nil
}

// attributes returns the process attributes that make a command run as the account.
func (a *account) attributes() *syscall.SysProcAttr {
	// Its own process group keeps Ctrl-C in a terminal from reaching Postgres: we stop it
	// ourselves.
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attributes
}
