package sample

import (
	"fmt"
	"strings"
)

// Wide returns the document of a contract with as many columns, and n messages that have ten of
// them. No message is like the one before.
func Wide(columns, n int) (document string, messages []string) {
	var properties []string
	for i := range columns {
		properties = append(properties, fmt.Sprintf(`"c%d": {"type": ["string", "null"]}`, i))
	}
	for m := range n {
		var members []string
		for i := range 10 {
			members = append(members, fmt.Sprintf(`"c%d": "value %d"`, (m+i*columns/10)%columns, i))
		}
		messages = append(messages, "{"+strings.Join(members, ", ")+"}")
	}
	return `{"x-table": "events", "type": "object", "properties": {` + strings.Join(properties, ", ") + `}}`, messages
}
