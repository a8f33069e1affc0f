package runtimeapi

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

const (
	errorTypeHeader = "Lambda-Runtime-Function-Error-Type"
	errorBodyHeader = "Lambda-Runtime-Function-Error-Body"
)

func (e *environment) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.serveResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.serveError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.serveInitError)
	mux.HandleFunc("POST /2020-01-01/extension/register", e.serveRegister)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", e.serveExtensionNext)
	return mux
}

// serveNext waits for an invocation, without a time limit, and sends it.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	e.markReady()
	select {
	case inv := <-e.next:
		defer close(inv.sent)
		e.current.Store(inv)
		header := w.Header()
		header.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(inv.timeout).UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN(*e.config))
		header.Set("Lambda-Runtime-Trace-Id", newTraceID())
		header.Set("Content-Type", "application/json")
		header.Set("Content-Length", strconv.Itoa(len(inv.payload)))
		w.Write(inv.payload)
	case <-r.Context().Done():
	}
}

// markReady records the end of the initialisation. A process asks for one invocation at a time, so
// there is no race.
func (e *environment) markReady() {
	select {
	case <-e.ready:
	default:
		e.initDuration = time.Since(e.began)
		e.unreportedInit = e.initDuration
		close(e.ready)
	}
}

func (e *environment) serveResponse(w http.ResponseWriter, r *http.Request) {
	inv := e.claim(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, responseLimit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		inv.answer <- answer{err: &FunctionError{
			Type:    "Function.ResponseSizeTooLarge",
			Message: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
		}}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")
		return
	case err != nil:
		return // the process ended while it sent the response; await reports its exit
	}
	inv.answer <- answer{body: body, err: trailerError(r.Trailer)}
	accept(w)
}

// trailerError returns the error of a function that failed after it began to send its response; nil
// if it did not fail. Such an error is in the trailers of the request.
func trailerError(trailer http.Header) error {
	kind := trailer.Get(errorTypeHeader)
	if kind == "" {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(trailer.Get(errorBodyHeader))
	if err != nil {
		body = nil
	}
	return functionError(body, kind)
}

func (e *environment) serveError(w http.ResponseWriter, r *http.Request) {
	inv := e.claim(w, r)
	if inv == nil {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, responseLimit))
	if err != nil {
		body = nil
	}
	inv.answer <- answer{err: functionError(body, r.Header.Get(errorTypeHeader))}
	accept(w)
}

// claim returns the invocation that the request answers. It refuses a second answer.
func (e *environment) claim(w http.ResponseWriter, r *http.Request) *invocation {
	inv := e.current.Load()
	if inv == nil || inv.id != r.PathValue("id") || !e.current.CompareAndSwap(inv, nil) {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	return inv
}

func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, responseLimit))
	if err != nil {
		body = nil
	}
	select {
	case e.initFailed <- functionError(body, r.Header.Get(errorTypeHeader)):
	default:
	}
	accept(w)
}

// serveRegister notes that the process wants a SIGTERM before it is killed.
func (e *environment) serveRegister(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	e.extension.Store(true)
	w.Header().Set("Lambda-Extension-Identifier", uuid.NewString())
	writeJSON(w, http.StatusOK, map[string]string{
		"functionName": e.config.FunctionName, "functionVersion": functionVersion, "handler": handlerName,
	})
}

// serveExtensionNext never answers: the extension registered for no events.
func (e *environment) serveExtensionNext(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
}

// functionError reads the {"errorType", "errorMessage"} that runtimes send. It returns an error
// even if the body is empty or not JSON.
func functionError(body []byte, kind string) *FunctionError {
	var sent struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		sent.Message = "the function reported an error that is not JSON"
	}
	if sent.Type == "" {
		sent.Type = kind
	}
	if sent.Type == "" {
		sent.Type = "Runtime.Unknown"
	}
	return &FunctionError{Type: sent.Type, Message: sent.Message}
}

func accept(w http.ResponseWriter) {
	writeJSON(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]string{"errorType": kind, "errorMessage": message})
}

func writeJSON(w http.ResponseWriter, status int, members map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.MarshalWrite(w, members)
}
