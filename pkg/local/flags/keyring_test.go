package flags_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/local/flags"
)

func TestFilesOfKeysMayBeTypedWithBlanks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ typed, want []string }{
		"one":                     {[]string{"new.key"}, []string{"new.key"}},
		"a blank after the comma": {[]string{"new.key", " old.key"}, []string{"new.key", "old.key"}},
		"a blank before":          {[]string{" new.key "}, []string{"new.key"}},
		"a comma too many":        {[]string{"", "new.key", " ", "old.key", ""}, []string{"new.key", "old.key"}},
		"one twice":               {[]string{"new.key", "old.key", "new.key"}, []string{"new.key", "old.key"}},
		"blanks alone":            {[]string{" ", ""}, []string{"home/.sqs2pg/vault.key"}},
	} {
		keys := (&flags.VaultFlag{VaultKeyFile: test.typed}).Keys(&flags.Streams{Dir: "home"})
		if diff := cmp.Diff(test.want, append([]string{keys.Path}, keys.Others...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
