package document

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// references are the $ref keywords of a document, and what they may refer to besides JSON pointers.
// The schema library would stop at the first that refers to nothing.
type references struct {
	targets  map[jsontext.Pointer]string // the values of $ref, by their place
	order    []jsontext.Pointer
	anchors  map[string]bool
	id       string // $id of the document
	embedded bool   // there are $ids further down, which are left to the schema library
}

// add notes the value of a keyword of the schema at here.
func (r *references) add(here jsontext.Pointer, keyword, value string) {
	switch {
	case keyword == "$ref":
		at := here.AppendToken(keyword)
		r.targets[at] = value
		r.order = append(r.order, at)
	case keyword == "$anchor" || keyword == "$dynamicAnchor":
		r.anchors[value] = true
	case keyword == "$id" && here == "":
		r.id = value
	case keyword == "$id":
		r.embedded = true
	}
}

// CheckReferences returns the references that lead nowhere. document is the whole document, decoded
// to maps and slices.
func (t *Text) CheckReferences(document any) Mistakes { return t.refs.check(document) }

func (r *references) check(document any) (found Mistakes) {
	for _, at := range r.order {
		if r.embedded {
			return nil
		}
		base, fragment, _ := strings.Cut(r.targets[at], "#")
		target, err := url.PathUnescape(fragment)
		switch {
		case base != "" && base != strings.TrimSuffix(r.id, "#"):
			found = append(found, MistakeAt(at, "%s is not in this document: put the schema under $defs and refer to it there", base))
		case err == nil && (r.anchors[target] || (target == "" || target[0] == '/') && contains(document, jsontext.Pointer(target))):
		default:
			found = append(found, MistakeAt(at, "there is no schema #%s: put it under $defs", fragment))
		}
	}
	return found
}

// contains reports whether a document has a value at a pointer.
func contains(document any, pointer jsontext.Pointer) bool {
	for token := range pointer.Tokens() {
		switch value := document.(type) {
		case map[string]any:
			member, ok := value[token]
			if !ok {
				return false
			}
			document = member
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(value) {
				return false
			}
			document = value[i]
		default:
			return false
		}
	}
	return true
}
