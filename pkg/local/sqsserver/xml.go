package sqsserver

import (
	"bytes"
	"encoding/xml"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// singulars maps the JSON protocol's name for a list or object of an answer to the query protocol's
// name for its elements.
var singulars = map[string]string{
	"Messages":          "Message",
	"Attributes":        "Attribute",
	"MessageAttributes": "MessageAttribute",
	"Tags":              "Tag",
	"QueueUrls":         "QueueUrl",
	"queueUrls":         "QueueUrl",
	"Failed":            "BatchResultErrorEntry",
}

// An xmlAnswer translates the output of a call from JSON to the XML of the query protocol, in which
// lists are flat.
type xmlAnswer struct {
	*bytes.Buffer
	output    *jsontext.Decoder
	operation string
}

// writeXML writes the answer of a call. The output is JSON, or empty.
func writeXML(to *bytes.Buffer, operation string, output []byte, id string) {
	to.WriteString(xml.Header)
	to.WriteString("<" + operation + `Response xmlns="http://queue.amazonaws.com/doc/2012-11-05/">`)
	if len(output) > 0 {
		x := xmlAnswer{to, jsontext.NewDecoder(bytes.NewReader(output)), operation}
		x.write(operation + "Result")
	}
	to.WriteString("<ResponseMetadata><RequestId>" + id + "</RequestId></ResponseMetadata></" + operation + "Response>")
}

// write writes the next value as an element of that name; a list as one element for each of its
// values.
func (x *xmlAnswer) write(name string) {
	switch x.output.PeekKind() {
	case '[':
		x.each(func() { x.write(name) })
	case '{':
		x.element(name, func() { x.each(x.member) })
	default:
		x.element(name, func() { x.text(x.next()) })
	}
}

func (x *xmlAnswer) member() {
	name := x.next()
	switch singular := x.singular(name); singular {
	case "Attribute", "MessageAttribute":
		x.each(func() { x.pair(singular, "Name") })
	case "Tag":
		x.each(func() { x.pair(singular, "Key") })
	default:
		x.write(singular)
	}
}

// pair writes one member of an object as an element with two parts: its name, in an element called
// key, and its value.
func (x *xmlAnswer) pair(element, key string) {
	x.element(element, func() {
		x.write(key)
		x.write("Value")
	})
}

func (x *xmlAnswer) singular(name string) string {
	switch singular := singulars[name]; {
	case singular != "":
		return singular
	case name == "Successful" || name == "Results":
		return x.operation + "ResultEntry"
	}
	return name
}

// each calls do for each element of an array, or each member of an object.
func (x *xmlAnswer) each(do func()) {
	x.next()
	for kind := x.output.PeekKind(); kind != ']' && kind != '}'; kind = x.output.PeekKind() {
		do()
	}
	x.next()
}

// next returns the next token of the output. It panics on invalid JSON, which perform never writes.
func (x *xmlAnswer) next() string {
	token, err := x.output.ReadToken()
	if err != nil {
		panic(err)
	}
	return token.String()
}

func (x *xmlAnswer) element(name string, content func()) {
	x.WriteString("<" + name + ">")
	content()
	x.WriteString("</" + name + ">")
}

func (x *xmlAnswer) text(s string) {
	_ = xml.EscapeText(x, []byte(s)) // writing to a buffer cannot fail
}

// queryError is an error as XML.
type queryError struct {
	XMLName xml.Name `xml:"http://queue.amazonaws.com/doc/2012-11-05/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	Detail  struct{} `xml:"Error>Detail"`
	ID      string   `xml:"RequestId"`
}

func writeXMLError(w http.ResponseWriter, err error, id string) {
	e := asAPIError(err)
	text, _ := xml.Marshal(queryError{Type: e.blame(), Code: e.queryCode(), Message: e.message, ID: id})
	w.WriteHeader(e.status)
	_, _ = w.Write(append([]byte(xml.Header), text...))
}
