package sqsserver

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// serveJSON answers one request of the AWS JSON 1.0 protocol.
func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	buffer := buffers.Get().(*bytes.Buffer)
	defer putBuffer(buffer)
	if _, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, maxRequest)); err != nil {
		writeError(w, readError(err))
		return
	}
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	if err := s.perform(name, buffer, r, decodeJSON); err != nil {
		writeError(w, err)
		return
	}
	_, _ = w.Write(buffer.Bytes()) // fails only if the client has gone
}

func decodeJSON(body []byte, in any) error {
	if err := json.Unmarshal(body, in); err != nil {
		return serialization.because("The request is not the JSON that this operation takes%s.", where(err))
	}
	return nil
}

func where(err error) string {
	if at := (*json.SemanticError)(nil); errors.As(err, &at) {
		return " at " + string(at.JSONPointer)
	}
	return ""
}

func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	if e.code != "" {
		w.Header().Set("x-amzn-query-error", e.code+";"+e.blame())
	}
	body, _ := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message,omitempty"`
	}{e.shape, e.message}, jsontext.AllowInvalidUTF8(true))
	w.WriteHeader(e.status)
	_, _ = w.Write(body)
}
