package secrets

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// errSecretShape hides a JSON parser's own message, which quotes what it read.
var errSecretShape = errors.New(`the secret is not a JSON object such as {"username": "...", "password": "...", "host": "...", "port": 5432, "dbname": "..."}`)

// databaseSecret is a database's secret in the shapes that RDS writes. Host, port and name may be empty: the secret that RDS
// manages for a master user has the user and the password only.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html#reference_secret_json_structure_rds-postgres
type databaseSecret struct {
	username, password, host, port, name string
}

// String hides the secret from fmt.
func (databaseSecret) String() string { return "(hidden)" }

// GoString hides the secret from fmt's %#v.
func (databaseSecret) GoString() string { return "(hidden)" }

// LogValue hides the secret from slog.
func (databaseSecret) LogValue() slog.Value { return slog.StringValue("(hidden)") }

// parseDatabaseSecret reads a secret's text. Errors name what is wrong and never hold any of it.
func parseDatabaseSecret(text []byte) (databaseSecret, error) {
	var members struct {
		Engine   string         `json:"engine"`
		Username string         `json:"username"`
		Password string         `json:"password"`
		Host     string         `json:"host"`
		Port     jsontext.Value `json:"port"` // a number or a string
		Name     string         `json:"dbname"`
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || text[0] != '{' || json.Unmarshal(text, &members) != nil {
		return databaseSecret{}, errSecretShape
	}
	secret := databaseSecret{username: members.Username, password: members.Password, host: members.Host, name: members.Name}
	var errs []error
	for _, m := range []struct{ name, value string }{{"username", members.Username}, {"password", members.Password}} {
		if m.value == "" {
			errs = append(errs, fmt.Errorf("the secret has no %s", m.name))
		}
	}
	if e := members.Engine; e != "" && !strings.Contains(e, "postgres") {
		errs = append(errs, errors.New("the secret's engine is not postgres; is it another database's secret?"))
	}
	if !isHost(members.Host) {
		errs = append(errs, errors.New("the secret's host is not a host name alone"))
	}
	var err error
	if secret.port, err = parsePort(members.Port); err != nil {
		errs = append(errs, err)
	}
	return secret, errors.Join(errs...)
}

// parsePort reads a port that may be a JSON number, a string, or not there.
func parsePort(v jsontext.Value) (string, error) {
	text := string(v)
	switch v.Kind() {
	case 0, 'n':
		return "", nil
	case '"':
		if json.Unmarshal(v, &text) != nil || text == "" {
			return "", nil
		}
	}
	if !isPort(text) {
		return "", errors.New("the secret's port is not a port number, 1 to 65535")
	}
	return text, nil
}
