package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/user"

	"sqs2pg/pkg/local/account"
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/terminal/variables"
	"sqs2pg/pkg/vault/open"
	"sqs2pg/pkg/vault/reveal"
)

// vaultCommand is for the few people who may see originals, and for those who watch them.
type vaultCommand struct {
	Reveal vaultReveal `cmd:"" help:"Reveal originals; the audit has it first."`
	Audit  vaultAudit  `cmd:"" help:"List who asked for what, or verify that no entry was changed."`
	Key    vaultKey    `cmd:"" help:"Print the public key of the vault, or make a key."`
}

type vaultReveal struct {
	keptFlag     `embed:""`
	contractFlag `embed:""`
	keyringFlag  `embed:""`
	jsonFlag     `embed:""`
	reveal.Ask   `embed:""`
}

// Help is shown below the flags.
func (c *vaultReveal) Help() string {
	return "Values are printed to standard output alone. Each has a verdict: whether the row is what the contract makes of the value. " +
		"Exits with 1 if something that was asked for is erased or past its retention. You may stop it at any moment; it then says how to go on. " +
		"After a rotation name the files of all keys: VAULT_KEY_FILE=new.key,old.key. Events whose key is missing are not asked for."
}

func (c *vaultReveal) Run(ctx context.Context, s *streams) error {
	if err := c.Check(); err != nil {
		return err
	}
	loaded, err := flags.LoadContract(variables.Source("--contract", c.Contract, "CONTRACT"), c.Contract)
	if err != nil {
		return err
	}
	given := c.Given()
	given.Keyrings = c.Keyrings(s)
	keyring, err := given.ExistingKeyring(ctx)
	if err != nil {
		return flags.AsMisuse(err)
	}
	pool, stop, err := c.OpenKept(ctx, s, true)
	if err != nil {
		return err
	}
	defer stop()
	at := account.Place{URL: os.Getenv("AWS_ENDPOINT_URL")}
	r := reveal.Reveal{
		Ask: c.Ask, Pool: pool, Contract: loaded, Keyring: keyring, Caller: caller(),
		Key: func(ctx context.Context, r disclosure.Recipient) (*open.Key, error) {
			return c.Keys(s).Private(ctx, at, r)
		},
		In: s.Input(cmp.Or(c.SubjectFile, c.Where)), Out: s.Out, Talk: s.Err, JSON: c.JSON,
	}
	return flags.AsMisuse(r.Run(ctx))
}

// caller is who uses this machine.
func caller() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

type vaultAudit struct {
	List   auditList   `cmd:"" help:"List who asked for what."`
	Verify auditVerify `cmd:"" help:"Verify that no entry of the audit was changed."`
}

type auditList struct {
	keptFlag `embed:""`
	jsonFlag `embed:""`
	After    int64 `placeholder:"N" help:"Only the entries after this number."`
}

func (c *auditList) Run(ctx context.Context, s *streams) error {
	pool, stop, err := c.OpenKept(ctx, s, false)
	if err != nil {
		return err
	}
	defer stop()
	return reveal.List(ctx, pool, c.After, s.Out, c.JSON)
}

type auditVerify struct {
	keptFlag `embed:""`
	jsonFlag `embed:""`
	Anchor   string `placeholder:"FILE" help:"Heads that were kept elsewhere, such as Postgres's log, or what this command printed; - is standard input."`
}

// Help is shown below the flags.
func (c *auditVerify) Help() string {
	return "The owner of the database could make the whole chain anew. Keep the head that this prints, also as JSON, in another place, and give it to a later run by --anchor."
}

func (c *auditVerify) Run(ctx context.Context, s *streams) error {
	heads, err := reveal.Heads(c.Anchor, s.Input(c.Anchor))
	if err != nil {
		return err
	}
	pool, stop, err := c.OpenKept(ctx, s, false)
	if err != nil {
		return err
	}
	defer stop()
	return reveal.Verify(ctx, pool, heads, s.Out, s.Err, c.JSON)
}

type vaultKey struct {
	vaultFlag `embed:""`
}

// Help is shown below the flags.
func (c *vaultKey) Help() string {
	return "The public key is no secret: it is for VAULT_PUBLIC_KEY, or the stack's parameter VaultPublicKey. The private key is in .sqs2pg/vault.key, or where VAULT_KEY_FILE says. Keep a copy: without it nothing can be revealed."
}

func (c *vaultKey) Run(s *streams) error {
	key, err := c.Keys(s).Any()
	if err != nil {
		return flags.AsMisuse(err)
	}
	_, err = fmt.Fprintln(s.Out, key)
	return err
}
