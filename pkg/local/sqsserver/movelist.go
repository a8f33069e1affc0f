package sqsserver

import (
	"encoding/base64"
	"slices"

	"github.com/go-json-experiment/json"
)

type listMovesInput struct {
	Source string `json:"SourceArn"`
	Max    *int   `json:"MaxResults"`
}

type listMovesOutput struct {
	Results []moveResult
}

type moveResult struct {
	Handle      string `json:"TaskHandle,omitempty"` // only of a running task
	Status      string
	Source      string `json:"SourceArn"`
	Destination string `json:"DestinationArn,omitempty"`
	PerSecond   int    `json:"MaxNumberOfMessagesPerSecond,omitzero"`
	Moved       int    `json:"ApproximateNumberOfMessagesMoved"`
	ToMove      int    `json:"ApproximateNumberOfMessagesToMove"`
	Failure     string `json:"FailureReason,omitempty"`
	Started     int64  `json:"StartedTimestamp"`
}

func (c *call) listMessageMoveTasks(in *listMovesInput) (*listMovesOutput, error) {
	source, err := c.byARN(in.Source, "SourceArn")
	if err != nil {
		return nil, err
	}
	most := orDefault(in.Max, 1)
	if most < 1 || most > maxTasks {
		return nil, invalid(most, "MaxResults", "Must be between 1 and 10, if provided.")
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	tasks := c.moves[source.queueKey]
	out := &listMovesOutput{}
	for _, t := range tasks[:min(len(tasks), most)] {
		out.Results = append(out.Results, t.result())
	}
	return out, nil
}

func (t *moveTask) result() moveResult {
	r := moveResult{
		Status: t.status, Source: t.source.arn(), PerSecond: t.perSecond, Moved: t.moved, ToMove: t.toMove,
		Failure: t.failure, Started: t.started,
	}
	if t.destination != nil {
		r.Destination = t.destination.arn()
	}
	if t.status == running {
		r.Handle = t.handle
	}
	return r
}

type cancelMoveInput struct {
	Handle string `json:"TaskHandle"`
}

type cancelMoveOutput struct {
	Moved int `json:"ApproximateNumberOfMessagesMoved"`
}

func (c *call) cancelMessageMoveTask(in *cancelMoveInput) (*cancelMoveOutput, error) {
	if in.Handle == "" {
		return nil, missing("TaskHandle")
	}
	var handle taskHandle
	text, err := base64.StdEncoding.DecodeString(in.Handle)
	if err != nil || json.Unmarshal(text, &handle) != nil {
		return nil, invalidParameter.because("Value for parameter TaskHandle is invalid.")
	}
	source, err := c.byARN(handle.Source, "SourceArn")
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	tasks := c.moves[source.queueKey]
	at := slices.IndexFunc(tasks, func(t *moveTask) bool { return t.handle == in.Handle })
	if at < 0 || tasks[at].status != running {
		return nil, resourceNotFound.because("Task does not exist.")
	}
	tasks[at].status = cancelling
	tasks[at].cancel()
	return &cancelMoveOutput{tasks[at].moved}, nil
}
