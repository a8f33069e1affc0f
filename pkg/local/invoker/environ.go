package invoker

// functionSettings are the variables that the function reads and that Environ hands on.
var functionSettings = []string{
	"DATABASE_URL", "DATABASE_SECRET_ID", "DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", "DATABASE_USER", "DATABASE_IAM_AUTH",
	"PGSSLMODE", "MASK_SECRET_ID", "MASK_KEYRING", "VAULT_PUBLIC_KEY", "CONTRACT",
}

// Environ returns the settings of a function as "NAME=value": those that getenv has, and given over
// them. A setting that is given as the empty string is left out.
func Environ(getenv func(string) string, given map[string]string) []string {
	var environ []string
	for _, name := range functionSettings {
		value, ok := given[name]
		if !ok {
			value = getenv(name)
		}
		if value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	return environ
}
