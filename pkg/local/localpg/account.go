package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user that Postgres runs as; nil means ourselves.
type account struct {
	name     string
	uid, gid uint32
}

// serverAccount is nil for everyone but root, which Postgres refuses to run as.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return parseAccount(u)
		}
	}
	return nil, errors.New("root cannot run Postgres, and there is no user postgres or nobody to run it as: add one, or run as another user")
}

func parseAccount(u *user.User) (*account, error) {
	// macOS has negative ids, so they are parsed wide and cut.
	uid, uidErr := strconv.ParseInt(u.Uid, 10, 64)
	gid, gidErr := strconv.ParseInt(u.Gid, 10, 64)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return nil, fmt.Errorf("ids of user %s: %w", u.Username, err)
	}
	return &account{name: u.Username, uid: uint32(uid), gid: uint32(gid)}, nil
}

// own makes path the account's, so that Postgres accepts it as its own.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// owns tells whether path belongs to who will use it. In a folder where anybody may create names, one that somebody else
// made must not be trusted.
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

// attributes make a command run as the account.
func (a *account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in a terminal is ours to handle, not Postgres's
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attributes
}
