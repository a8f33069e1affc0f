package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestBashCompletesCommandsFlagsAndValues runs the script in bash.
func TestBashCompletesCommandsFlagsAndValues(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	script := succeed(t, "completion", "bash")
	for line, want := range map[string]string{
		"sqs2pg inv":                           "invoke",
		"sqs2pg ":                              "run invoke replay send sqs queue migrate maintain event dlq doctor contract vault completion version --help",
		"sqs2pg dlq ":                          "list show redrive --help",
		"sqs2pg dlq redrive --dr":              "--dry-run",
		"sqs2pg invoke --batch":                "--batch-size",
		"sqs2pg invoke --queue logins --re":    "--record --retry-delay",
		"sqs2pg invoke --queue ":               "", // a value: the shell's file names
		"sqs2pg invoke --queue invoke --fu":    "--function --function-name",
		"sqs2pg contract try --con":            "--contract",
		"sqs2pg maintain --partition-width mo": "month",
		"sqs2pg completion ":                   "bash zsh fish --help",
		"sqs2pg nonsense --he":                 "--help",
	} {
		words := strings.Split(line, " ")
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = fmt.Sprintf("%q", w)
		}
		ask := fmt.Sprintf("%s\nCOMP_WORDS=(%s); COMP_CWORD=%d; _sqs2pg; echo \"${COMPREPLY[@]}\"", script, strings.Join(quoted, " "), len(words)-1)
		out, err := exec.CommandContext(t.Context(), bash, "--norc", "-euc", ask).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q completes to %q (%v), want %q", line, got, err, want)
		}
	}
}

func TestCompletionSupportsThreeShells(t *testing.T) {
	t.Parallel()
	for shell, wants := range map[string][]string{
		"zsh":  {"bashcompinit\n_sqs2pg() {", "--retry-delay"},
		"fish": {"-n 'not __fish_seen_subcommand_from run ", "-n '__fish_seen_subcommand_from dlq; and __fish_seen_subcommand_from list' -l json -d "},
	} {
		script := succeed(t, "completion", shell)
		for _, want := range wants {
			if !strings.Contains(script, want) {
				t.Errorf("%s: the script lacks %q", shell, want)
			}
		}
	}
	if code, _, errs := sqs2pg(t, "completion", "csh"); code != 2 || !strings.Contains(errs, "bash") {
		t.Errorf("csh exits with %d and says %q", code, errs)
	}
}
