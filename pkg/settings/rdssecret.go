package settings

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"sqs2pg/pkg/privacy"
)

// errSecretShape replaces the JSON parser's own message, which quotes what it read.
var errSecretShape = errors.New(`the secret is not a JSON object such as {"username": "...", "password": "...", "host": "...", "port": 5432, "dbname": "..."}`)

// databaseSecret is a database's secret in the shapes that RDS writes. Host, port and name may be
// empty: the secret that RDS manages for a master user has user and password only.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html#reference_secret_json_structure_rds-postgres
type databaseSecret struct {
	privacy.Hidden
	username, password, host, port, name string
}

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
	var problems []string
	for _, m := range []struct{ name, value string }{{"username", members.Username}, {"password", members.Password}} {
		if m.value == "" {
			problems = append(problems, "it has no "+m.name)
		}
	}
	if e := members.Engine; e != "" && !strings.Contains(e, "postgres") {
		problems = append(problems, "its engine is not postgres, so it may be the secret of another database")
	}
	if !isHost(members.Host) {
		problems = append(problems, "its host is not a host name alone")
	}
	var ok bool
	if secret.port, ok = parsePort(members.Port); !ok {
		problems = append(problems, "its port is not a port number, 1 to 65535")
	}
	if problems != nil {
		return databaseSecret{}, fmt.Errorf("the secret is wrong: %s", strings.Join(problems, "; "))
	}
	return secret, nil
}

// parsePort reads a port: a JSON number, a string, or no value.
func parsePort(v jsontext.Value) (port string, ok bool) {
	text := string(v)
	switch v.Kind() {
	case 0, 'n':
		return "", true
	case '"':
		if json.Unmarshal(v, &text) != nil || text == "" {
			return "", true
		}
	}
	return text, isPort(text)
}
