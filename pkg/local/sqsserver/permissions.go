package sqsserver

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A policy is a queue's access policy, as AddPermission and RemovePermission change it. The server
// shows it but does not enforce it, because it does not check signatures.
type policy struct {
	Version    string
	ID         string           `json:"Id,omitempty"`
	Statements []jsontext.Value `json:"Statement"`
}

type statement struct {
	SID       string `json:"Sid"`
	Effect    string
	Principal struct{ AWS []string }
	Action    []string
	Resource  string
}

// maxActions is the largest number of actions in one AddPermission.
const maxActions = 7

var grantable = []string{
	"*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues",
	"PurgeQueue", "ReceiveMessage", "SendMessage",
}

type addPermissionInput struct {
	queueInput
	Label    string
	Accounts []string `json:"AWSAccountIds"`
	Actions  []string
}

func (in *addPermissionInput) check() error {
	switch {
	case in.Label == "":
		return missing("Label")
	case len(in.Accounts) == 0:
		return missing("AWSAccountIds")
	case len(in.Actions) == 0:
		return missing("Actions")
	case !entryID.MatchString(in.Label):
		return invalid(in.Label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	case len(in.Actions) > maxActions:
		return overLimit.because("%d Actions were found, maximum allowed is %d.", len(in.Actions), maxActions)
	}
	for _, action := range in.Actions {
		if !slices.Contains(grantable, action) {
			return invalid("SQS:"+action, "ActionName", "Only the queue owner is allowed to invoke this action.")
		}
	}
	return nil
}

func (c *call) addPermission(in *addPermissionInput) (*noOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return nil, c.editPolicy(in.URL, func(q *queue, p *policy) error {
		if p.find(in.Label) >= 0 {
			return invalid(in.Label, "Label", "Already exists.")
		}
		s := statement{SID: in.Label, Effect: "Allow", Resource: q.arn()}
		for _, account := range in.Accounts {
			s.Principal.AWS = append(s.Principal.AWS, "arn:aws:iam::"+account+":root")
		}
		for _, action := range in.Actions {
			s.Action = append(s.Action, "SQS:"+action)
		}
		p.Statements = append(p.Statements, jsontext.Value(compact(s)))
		return nil
	})
}

type removePermissionInput struct {
	queueInput
	Label string
}

func (c *call) removePermission(in *removePermissionInput) (*noOutput, error) {
	if in.Label == "" {
		return nil, missing("Label")
	}
	return nil, c.editPolicy(in.URL, func(_ *queue, p *policy) error {
		at := p.find(in.Label)
		if at < 0 {
			return invalid(in.Label, "Label", "can't find label.")
		}
		p.Statements = slices.Delete(p.Statements, at, at+1)
		return nil
	})
}

func (c *call) editPolicy(url string, edit func(*queue, *policy) error) error {
	c.configuring.Lock()
	defer c.configuring.Unlock()
	q, now, err := c.open(url)
	if err != nil {
		return err
	}
	defer q.release(now)
	p := policy{Version: "2008-10-17", ID: q.arn() + "/SQSDefaultPolicy"}
	if text := q.settings.texts["Policy"]; text != "" {
		p = policy{}
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return invalidAttributeValue.because("Invalid value for the parameter Policy.")
		}
	}
	if err := edit(q, &p); err != nil {
		return err
	}
	text := ""
	if len(p.Statements) > 0 {
		text = compact(p)
	}
	q.settings = q.settings.withPolicy(text)
	q.modified = now
	return nil
}

// find returns the index of the statement with the label, or -1.
func (p *policy) find(label string) int {
	return slices.IndexFunc(p.Statements, func(v jsontext.Value) bool {
		var s struct {
			SID string `json:"Sid"`
		}
		return json.Unmarshal(v, &s) == nil && s.SID == label
	})
}
