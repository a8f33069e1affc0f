package project

import (
	"net/url"
	"path/filepath"
	"strings"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/dsn"
)

// key is what a key of the file stands for.
type key struct {
	variable string
	instead  []string // other variables: if one of them is set, the key does not count
	path     bool     // the value may be a path
}

var (
	otherDatabase = []string{"DATABASE_URL", "DATABASE_SECRET_ID", "DATABASE_IAM_AUTH", "SQS2PG_DATABASE_URL"}
	otherKeyring  = []string{"MASK_SECRET_ID", "MASK_KEYRING", "MASK_KEYRING_FILE", "SQS2PG_KEYRING", "SQS2PG_KEYRING_FILE"}
)

// keys are the keys that a file may have, besides default_env.
var keys = map[string]key{
	"queue":              {"SQS2PG_QUEUE", nil, false},
	"contract":           {"CONTRACT", []string{"SQS2PG_CONTRACT"}, true},
	"database_url":       {"DATABASE_URL", otherDatabase, false},
	"database_secret_id": {"DATABASE_SECRET_ID", otherDatabase, false},
	"database_iam_auth":  {"DATABASE_IAM_AUTH", otherDatabase, false},
	"database_host":      {"DATABASE_HOST", otherDatabase, false},
	"database_port":      {"DATABASE_PORT", otherDatabase, false},
	"database_name":      {"DATABASE_NAME", otherDatabase, false},
	"database_user":      {"DATABASE_USER", otherDatabase, false},
	"mask_secret_id":     {"MASK_SECRET_ID", otherKeyring, false},
	"mask_keyring_file":  {"MASK_KEYRING_FILE", otherKeyring, true},
	"vault_public_key":   {"VAULT_PUBLIC_KEY", nil, false},
	"vault_key_arn":      {"VAULT_KEY_ARN", nil, false},
	"vault_key_file":     {"VAULT_KEY_FILE", nil, true},
	"aws_endpoint_url":   {"AWS_ENDPOINT_URL", []string{"SQS2PG_ENDPOINT_URL"}, false},
	"aws_profile":        {"AWS_PROFILE", nil, false},
	"aws_region":         {"AWS_REGION", []string{"AWS_DEFAULT_REGION"}, false},
}

// defaultEnv names the environment that counts without --env.
const defaultEnv = "default_env"

// flagNames are the keys that people write because a flag has this name.
var flagNames = map[string]string{
	"database": "database_url", "endpoint": "aws_endpoint_url", "endpoint_url": "aws_endpoint_url", "region": "aws_region", "profile": "aws_profile",
	"keyring_file": "mask_keyring_file", "env": defaultEnv, "default": defaultEnv,
}

// secrets are variables that hold a secret themselves, and what to write instead.
var secrets = map[string]string{
	"mask_keyring":          "name the keyring by mask_secret_id or mask_keyring_file",
	"keyring":               "name the keyring by mask_secret_id or mask_keyring_file",
	"aws_access_key_id":     "name a profile by aws_profile",
	"aws_secret_access_key": "name a profile by aws_profile",
	"aws_session_token":     "name a profile by aws_profile",
	"pgpassword":            "use database_secret_id, or ~/.pgpass",
}

// holdsPassword reports whether a connection string has a password for a server that is not on this
// machine. A password for one on this machine is usually known to everybody.
func holdsPassword(text string) bool {
	has := dsn.Sets(text, "password")
	if u, err := url.Parse(text); err == nil && u.User != nil {
		_, inUser := u.User.Password()
		has = has || inUser
	}
	if !has {
		return false
	}
	config, _, err := dsn.Parse(text)
	return err != nil || !dsn.OnThisMachine(config.ConnConfig)
}

// fromHere makes the paths in a value relative to the working folder. A contract is a path if it
// looks like one; otherwise it is a name. There may be several paths, separated by commas.
func fromHere(file, name, text string) string {
	if !keys[name].path || text == "" {
		return text
	}
	parts := strings.Split(text, ",")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if isPath := name != "contract" || contract.IsPath(part); isPath && part != "" && !filepath.IsAbs(part) {
			part = filepath.Join(filepath.Dir(file), part)
		}
		parts[i] = part
	}
	return strings.Join(parts, ",")
}
